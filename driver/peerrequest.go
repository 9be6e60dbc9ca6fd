package driver

import (
	"encoding/json"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/driver/internal/argument"
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
	Args     []argument.Packed  `json:",omitempty"`
	Settings map[string]*string `json:",omitempty"`
}

// forPeer is the request for another process. It reports false for one that only this process can run: through a prepared
// statement, with options, or with arguments of other types than the common ones.
func (r *request) forPeer() (body []byte, ok bool) {
	if r.stmt != nil || r.wishes.refresh {
		return nil, false
	}
	q := peerRequest{
		Key: r.commonKey(), SQL: r.text.sql, Rule: r.wishes.rule, Custom: r.wishes.key, TTL: r.wishes.ttl,
	}
	if q.Args, ok = argument.Pack(r.args); !ok {
		return nil, false
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
