package wal

import (
	"crypto/rand"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
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

// newName makes a name for a slot, and for the connections of its stream. Since it is new each time,
// synchronous_standby_names can't list it.
func newName() string { return "pgcache_" + strings.ToLower(rand.Text()[:16]) }

// plainConfig is how to make an ordinary connection.
func plainConfig(base *pgconn.Config, name string) *pgconn.Config {
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

// replicationConfig is how to make a replication connection. Making a slot may wait for long, and the server looks at
// nothing then but a request to cancel: a context that ends sends one.
func replicationConfig(base *pgconn.Config, name string) *pgconn.Config {
	c := plainConfig(base, name)
	c.RuntimeParams["replication"] = "database"
	c.RuntimeParams["wal_sender_timeout"] = "10s"
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	return c
}
