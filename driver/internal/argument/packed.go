package argument

import (
	"database/sql/driver"
	"math"
	"time"
	"unicode/utf8"
)

// Packed is one argument of the common types on its way to another process, by the first field that is set; nil is none. What comes
// out of it again has the same key material.
type Packed struct {
	Int64   *int64   `json:"i,omitempty"`
	Int     *int64   `json:"j,omitempty"`
	Text    *string  `json:"s,omitempty"`
	Bool    *bool    `json:"b,omitempty"`
	Float   *uint64  `json:"f,omitempty"` // its bits
	Bytes   *[]byte  `json:"y,omitempty"`
	Instant *Instant `json:"t,omitempty"`
}

// Instant is a time as far as key material tells times apart.
type Instant struct {
	Unix   int64
	Nanos  int64
	Zone   string
	Offset int
}

// Pack packs arguments. It reports false when one is of another type, or would be another one elsewhere.
func Pack(args []driver.NamedValue) (packed []Packed, ok bool) {
	packed = make([]Packed, len(args))
	for i, arg := range args {
		if packed[i], ok = pack(arg.Value); !ok {
			return nil, false
		}
	}
	return packed, true
}

// Unpack gives the arguments as database/sql would.
func Unpack(packed []Packed) []driver.NamedValue {
	args := make([]driver.NamedValue, len(packed))
	for i := range packed {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: packed[i].value()}
	}
	return args
}

func pack(value any) (a Packed, ok bool) {
	switch v := value.(type) {
	case nil:
	case int64:
		a.Int64 = &v
	case int:
		n := int64(v)
		a.Int = &n
	case string:
		a.Text = &v
		return a, utf8.ValidString(v) // JSON has no others
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
		a.Instant = &Instant{v.Unix(), int64(v.Nanosecond()), zone, offset}
		return a, v == v.Round(0) // a text would take the reading of this machine's clock
	default:
		return a, false
	}
	return a, true
}

func (a *Packed) value() any {
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
