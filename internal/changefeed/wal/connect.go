package wal

import (
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

// replicationConfig is how to make a replication connection. Making a slot may wait for long, and the server looks at
// nothing then but a request to cancel: a context that ends sends one.
func replicationConfig(base *pgconn.Config, name string) *pgconn.Config {
	c := server.PlainConfig(base, name)
	c.RuntimeParams["replication"] = "database"
	c.RuntimeParams["wal_sender_timeout"] = "10s"
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	return c
}
