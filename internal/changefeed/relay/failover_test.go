package relay

import (
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// follows finds a process following: a commit was told when a barrier passes that began after it.
func follows(t *testing.T, p *process, c *pgx.Conn) {
	t.Helper()
	xid := get[uint64](t, c, "insert into t select coalesce(max(id), 0) + 1, 0 from t returning pg_current_xact_id()::text::int8")
	for err := p.feed.Barrier(t.Context()); err != nil; err = p.feed.Barrier(t.Context()) {
		if !errors.Is(err, ErrNoStream) {
			t.Fatalf("barrier: %v", err)
		}
		p.untilLive(t) // it was lost meanwhile
		xid = get[uint64](t, c, "insert into t select coalesce(max(id), 0) + 1, 0 from t returning pg_current_xact_id()::text::int8")
	}
	p.look(func(s *state) {
		if !slices.ContainsFunc(s.commits, func(c freshness.Commit) bool { return c.XID == xid }) {
			t.Error("a commit was not told before a barrier that began after it")
		}
	})
}

// Whatever ends a leader, another takes over; the others are told of a loss and of another start.
func TestAnotherTakesOver(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(t *testing.T, p *process, c *pgx.Conn)
	}{
		{"it is closed", func(_ *testing.T, p *process, _ *pgx.Conn) { p.stop() }},
		{"its lock is lost", func(t *testing.T, _ *process, c *pgx.Conn) {
			exec(t, c, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and "+
				"database = (select oid from pg_database where datname = current_database())")
		}},
		{"its stream breaks", func(t *testing.T, _ *process, c *pgx.Conn) {
			exec(t, c, "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dsn, c := database(t)
			transport := new(memory)
			all := fleet(t, dsn, 4, func() Transport { return transport })
			leads, others := leaderOf(t, all)
			for _, p := range all {
				follows(t, p, c)
			}
			test.end(t, leads, c)
			for _, p := range others {
				p.until(t, "the loss and another start", func(s *state) bool { return len(s.losses) > 0 && len(s.starts) > 1 && s.live })
			}
			for _, p := range others {
				follows(t, p, c)
			}
			if n := get[int](t, c, slots); n != 1 {
				t.Errorf("there are %d slots", n)
			}
		})
	}
}
