package relay

import (
	"errors"
	"testing"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// follows finds a process following: a commit is told, before a barrier that begins after it passes.
func follows(t *testing.T, p *process, sql string, args ...any) {
	t.Helper()
	c := connect(t, p.feed.config.WAL.Connect.ConnString())
	tags, err := c.Exec(t.Context(), sql, args...)
	if err != nil || tags.RowsAffected() == 0 {
		t.Fatalf("%s: %v", sql, err)
	}
	if err := p.feed.Barrier(t.Context()); err != nil {
		t.Errorf("barrier: %v", err)
	}
	table := get[uint32](t, c, "select 't'::regclass::oid")
	position := lsnOf(t, c)
	if p.tracker.Fresh([]freshness.Tag{freshness.TableTag(table)}, 0) || position == 0 {
		t.Error("nothing was told")
	}
}

// Whatever ends a leader, another takes over; the others are told of a loss and of another start.
func TestAnotherTakesOver(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(t *testing.T, p *process)
	}{
		{"it is closed", func(_ *testing.T, p *process) { p.stop() }},
		{"its lock is lost", func(t *testing.T, p *process) {
			c := connect(t, p.feed.config.WAL.Connect.ConnString())
			exec(t, c, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and "+
				"database = (select oid from pg_database where datname = current_database())")
		}},
		{"its stream breaks", func(t *testing.T, p *process) {
			c := connect(t, p.feed.config.WAL.Connect.ConnString())
			exec(t, c, "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dsn, c := database(t)
			transport := new(memory)
			all := fleet(t, dsn, 4, func() Transport { return transport })
			leads, others := leaderOf(t, all)
			exec(t, c, "insert into t values (0, 0)")
			for _, p := range others {
				follows(t, p, "update t set n = n + 1")
			}
			test.end(t, leads)
			for _, p := range others {
				p.until(t, "the loss and another start", func(s *state) bool { return len(s.losses) > 0 && len(s.starts) > 1 && s.live })
			}
			for _, p := range others {
				for errors.Is(p.feed.Barrier(t.Context()), ErrNoStream) {
					p.untilLive(t)
				}
				follows(t, p, "update t set n = n + 1")
			}
			if n := get[int](t, c, slots); n != 1 {
				t.Errorf("there are %d slots", n)
			}
		})
	}
}
