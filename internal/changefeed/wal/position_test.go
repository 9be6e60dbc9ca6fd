package wal

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	asked "github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestReachable(t *testing.T) {
	const page, segment = 8 << 10, 16 << 20
	for _, test := range []struct{ lsn, want uint64 }{
		{0, 0},
		{5*segment + 7*page, 5*segment + 7*page},
		{5*segment + 7*page + 24, 5*segment + 7*page},
		{5*segment + 7*page + 32, 5*segment + 7*page + 32},
		{5*segment + 7*page + 40, 5*segment + 7*page + 40},
		{5 * segment, 5 * segment},
		{5*segment + 24, 5 * segment},
		{5*segment + 40, 5 * segment},
		{5*segment + 48, 5*segment + 48},
		{5*segment + page + 24, 5*segment + page},
		{5*segment + page + 40, 5*segment + page + 40},
		{6*segment - 8, 6*segment - 8},
	} {
		if got := asked.Common.Reachable(test.lsn); got != test.want {
			t.Errorf("%X is reachable at %X, not %X", test.lsn, got, test.want)
		}
	}
}

// An idle server's insert position may stand behind a page's header, where its decoder never comes. The feed passes the
// position that Position makes of it, and nothing need be written for that.
func TestPositionBehindHeader(t *testing.T) {
	server := pgtest.Own(t)
	dsn := server.DSN("")
	c := connect(t, dsn)
	exec(t, c, "create publication pgcache")
	f := follow(t, dsn)
	for name, toHeader := range map[string]func(t *testing.T, c *pgx.Conn){"segment": toSegment, "page": toPage} {
		t.Run(name, func(t *testing.T) {
			for range 20 {
				toHeader(t, c)
				at := lsnOf(t, c)
				position := f.feed.pages.Load().Reachable(at)
				f.until(t, "the position is passed", func(s *state) bool { return s.passed >= position })
				if position < at && lsnOf(t, c) == at {
					return
				}
			}
			t.Error("the server was never idle behind a header")
		})
	}
}

// toSegment moves the insert position to the start of a segment.
func toSegment(t *testing.T, c *pgx.Conn) {
	t.Helper()
	exec(t, c, "select pg_logical_emit_message(true, 'x', '')", "select pg_switch_wal()")
}

// toPage moves the insert position to the start of a page, most times.
func toPage(t *testing.T, c *pgx.Conn) {
	t.Helper()
	emit := func(n uint64) {
		exec(t, c, fmt.Sprintf("select pg_logical_emit_message(true, 'x', repeat('x', %d))", n))
	}
	const sample = 1000
	before := lsnOf(t, c)
	emit(sample)
	after := lsnOf(t, c)
	overhead := after - before - sample
	if left := asked.Common.Block - after%asked.Common.Block; left > overhead+sample {
		emit(left - overhead)
	}
}

// What an open transaction wrote is in nobody's way, though the server has no reason to flush it; and neither is an
// asynchronous commit. The server here would take ten seconds to flush by itself.
func TestNothingIsFlushed(t *testing.T) {
	server := pgtest.OwnWith(t, testenv.Options{Settings: map[string]string{"wal_writer_delay": "10s", "autovacuum": "off"}})
	dsn := server.DSN("")
	c := connect(t, dsn)
	exec(t, c, "create table t (id int primary key)", "create publication pgcache for table t")
	f := follow(t, dsn)
	f.catchUp(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), asked.Patience)
	defer cancel()
	if err := f.feed.Barrier(ctx); err != nil {
		t.Fatal(err)
	}
	exec(t, c, "set synchronous_commit = off", "insert into t values (1)")
	if err := f.feed.Barrier(ctx); err != nil {
		t.Errorf("barrier after an asynchronous commit: %v", err)
	}
	if n := len(f.take()); n != 1 {
		t.Errorf("%d commits were told before the barrier, not one", n)
	}
	exec(t, c, "begin", "insert into t values (2)")
	position := f.feed.Position(lsnOf(t, c))
	f.until(t, "the position is passed", func(s *state) bool { return ctx.Err() != nil || s.passed >= position })
	if ctx.Err() != nil {
		t.Error("nobody had the WAL flushed for a position")
	}
}
