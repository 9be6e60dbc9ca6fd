package server

import (
	"crypto/rand"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// ours are the settings that every connection of a feed has, whatever the role, the database or the connection string say.
// No name in a question stands for anything but the server's own; values of each type have one text form; nothing may time
// out that waits by design; and a flush that is forced needn't wait for standbys.
var ours = map[string]string{
	"search_path":          "pg_catalog",
	"client_encoding":      "UTF8",
	"datestyle":            "ISO",
	"bytea_output":         "hex",
	"extra_float_digits":   "1",
	"statement_timeout":    "0",
	"lock_timeout":         "0",
	"idle_session_timeout": "0",
	"synchronous_commit":   "local",
}

// NewName makes a name for a slot, and for the connections of its stream. Since it is new each time,
// synchronous_standby_names can't list it.
func NewName() string { return "pgcache_" + strings.ToLower(rand.Text()[:16]) }

// PlainConfig is how to make an ordinary connection.
func PlainConfig(base *pgconn.Config, name string) *pgconn.Config {
	c := base.Copy()
	c.RuntimeParams = maps.Clone(c.RuntimeParams)
	for key := range c.RuntimeParams {
		if _, taken := ours[strings.ToLower(key)]; taken {
			delete(c.RuntimeParams, key)
		}
	}
	maps.Copy(c.RuntimeParams, ours)
	c.RuntimeParams["application_name"] = name
	return c
}
