package driver

import (
	"database/sql/driver"
	"encoding/json"
	"math"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// peerRequest is what the owner of a key is asked: all that it takes to ask PostgreSQL the same. The owner makes the key from
// it by its own rules, verdict and identity, and goes on only if that is the key that it was asked for; the key is a hash of
// all of these, so both mean the same.
type peerRequest struct {
	Key      cachestore.Key
	SQL      string
	Rule     string             `json:",omitempty"` // the rule that was asked for by name
	Custom   string             `json:",omitempty"` // the key= that was asked for
	TTL      time.Duration      `json:",omitempty"`
	Args     []peerArgument     `json:",omitempty"`
	Settings map[string]*string `json:",omitempty"`
}

// peerArgument is one argument with its Go type, by the first field that is set; nil is none.
type peerArgument struct {
	Int64   *int64    `json:"i,omitempty"`
	Int     *int64    `json:"j,omitempty"`
	Text    *string   `json:"s,omitempty"`
	Bool    *bool     `json:"b,omitempty"`
	Float   *uint64   `json:"f,omitempty"` // its bits
	Bytes   *[]byte   `json:"y,omitempty"`
	Instant *peerTime `json:"t,omitempty"`
}

// peerTime is a time as far as a key tells times apart.
type peerTime struct {
	Unix   int64
	Nanos  int64
	Zone   string
	Offset int
}

// forPeer is the request for another process. It reports false for one that only this process can run: through a prepared
// statement, with options, or with arguments of other types than the common ones.
func (r *request) forPeer() (body []byte, ok bool) {
	if r.stmt != nil || r.wishes.refresh {
		return nil, false
	}
	q := peerRequest{
		Key: r.commonKey(), SQL: r.text.sql, Rule: r.wishes.rule, Custom: r.wishes.key, TTL: r.wishes.ttl,
		Args: make([]peerArgument, len(r.args)),
	}
	for i, arg := range r.args {
		if q.Args[i], ok = peerArgumentOf(arg.Value); !ok {
			return nil, false
		}
	}
	if len(r.verdict.settings) > 0 {
		q.Settings = make(map[string]*string)
		for _, name := range r.verdict.settings {
			q.Settings[name] = r.settings[name]
		}
	}
	body, err := json.Marshal(q)
	return body, err == nil
}

func peerArgumentOf(value any) (a peerArgument, ok bool) {
	switch v := value.(type) {
	case nil:
	case int64:
		a.Int64 = &v
	case int:
		n := int64(v)
		a.Int = &n
	case string:
		a.Text = &v
	case bool:
		a.Bool = &v
	case float64:
		bits := math.Float64bits(v)
		a.Float = &bits
	case []byte:
		if v == nil {
			return a, false
		}
		a.Bytes = &v
	case time.Time:
		zone, offset := v.Zone()
		a.Instant = &peerTime{v.Unix(), int64(v.Nanosecond()), zone, offset}
		return a, v == v.Round(0) // a text would take the reading of this machine's clock
	default:
		return a, false
	}
	return a, true
}

func (a peerArgument) value() any {
	switch {
	case a.Int64 != nil:
		return *a.Int64
	case a.Int != nil:
		return int(*a.Int)
	case a.Text != nil:
		return *a.Text
	case a.Bool != nil:
		return *a.Bool
	case a.Float != nil:
		return math.Float64frombits(*a.Float)
	case a.Bytes != nil:
		return *a.Bytes
	case a.Instant != nil:
		return time.Unix(a.Instant.Unix, a.Instant.Nanos).In(time.FixedZone(a.Instant.Zone, a.Instant.Offset))
	default:
		return nil
	}
}

// arguments are the request's arguments as database/sql gives them.
func (q *peerRequest) arguments() []driver.NamedValue {
	args := make([]driver.NamedValue, len(q.Args))
	for i, a := range q.Args {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: a.value()}
	}
	return args
}
