package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// home is a PostgreSQL server and a database on it that is ours.
type home struct {
	server   *testenv.Server
	database string
}

// settings make loading quick: what is copied into a new table need not go through the log.
var settings = map[string]string{"wal_level": "minimal", "max_wal_senders": "0"}

// moveIn starts a server of our own, because it will be stopped for show. Where none can be started the one that
// PGCACHE_TEST_DSN names will do.
func moveIn(ctx context.Context, out io.Writer) (*home, error) {
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
	h := &home{server: server}
	if h.database, err = server.CreateDatabase(ctx); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return h, nil
}

// errLeft means that the clean-up failed.
var errLeft = errors.New("something is left behind")

// patience bounds the clean-up, which has to go on after Ctrl-C.
const patience = 10 * time.Second

// moveOut leaves nothing behind.
func (h *home) moveOut() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := h.server.Close() // does nothing to a server that was given
	if h.server.Given() {
		err = h.server.DropDatabase(ctx, h.database)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errLeft, err)
	}
	return nil
}

// dsn is for plain pgx.
func (h *home) dsn() string { return h.server.DSN(h.database) }
