// Package pgbench gives the examples a PostgreSQL server of their own with pgbench's tables in it.
package pgbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/examples/internal/program"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// Database is a database of our own, and the server that it is on.
type Database struct {
	server *testenv.Server
	name   string
}

// settings make loading quick: what is copied into a new table need not go through the log.
var settings = map[string]string{"wal_level": "minimal", "max_wal_senders": "0"}

// Start starts a server of our own, because it may be stopped for show. Where none can be started the one that
// PGCACHE_TEST_DSN names will do.
func Start(ctx context.Context, out io.Writer) (*Database, error) {
	step := func(what string) { fmt.Fprintln(out, "  "+what) }
	options := testenv.Options{Settings: settings, Progress: step}
	server, err := testenv.Start(ctx, options)
	if err != nil && os.Getenv("PGCACHE_TEST_DSN") != "" && ctx.Err() == nil {
		step("using the server of PGCACHE_TEST_DSN")
		server, err = testenv.Find(ctx, options)
	}
	if err != nil {
		return nil, err
	}
	d, err := On(ctx, server)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return d, nil
}

// On makes a database on a server.
func On(ctx context.Context, server *testenv.Server) (*Database, error) {
	name, err := server.CreateDatabase(ctx)
	if err != nil {
		return nil, err
	}
	return &Database{server: server, name: name}, nil
}

// patience bounds the clean-up, which has to go on after Ctrl-C.
const patience = 10 * time.Second

// Close leaves nothing behind: it stops the server, or drops the database on one that was given. When it can't, the error
// matches program.ErrLeft.
func (d *Database) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := d.server.Close() // does nothing to a server that was given
	if d.server.Given() {
		err = d.server.DropDatabase(ctx, d.name)
	}
	return program.Left(err)
}

// DSN is for plain pgx.
func (d *Database) DSN() string { return d.server.DSN(d.name) }

// Given reports whether the server is somebody else's, and so not ours to stop.
func (d *Database) Given() bool { return d.server.Given() }

// Stop stops the server, as an administrator would.
func (d *Database) Stop(ctx context.Context) error { return d.server.Stop(ctx, testenv.Fast) }

// Set changes a setting for all sessions of the database that begin after it.
func (d *Database) Set(ctx context.Context, setting, value string) error {
	conn, err := pgx.Connect(ctx, d.DSN())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, fmt.Sprintf("alter database %s set %s = %s", pgx.Identifier{d.name}.Sanitize(), setting, value))
	return err
}
