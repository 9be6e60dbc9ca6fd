package relay

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// BenchmarkFollower measures how long it takes from an acknowledged commit to a follower's sink, and how long a follower's
// barrier takes: with nothing going on, and right after a commit.
func BenchmarkFollower(b *testing.B) {
	for _, how := range everyTransport() {
		b.Run(how.Name, func(b *testing.B) {
			dsn, c := database(b)
			all := fleet(b, dsn, 2, how.Join(b, dsn))
			_, others := leaderOf(b, all)
			p := others[0]
			exec(b, c, "insert into t values (1, 0)")
			b.Run("commit to sink", func(b *testing.B) {
				measure(b, func() time.Duration {
					var before int
					p.look(func(s *state) { before = len(s.commits) })
					exec(b, c, "update t set n = n + 1")
					begun := time.Now()
					p.until(b, "the commit comes", func(s *state) bool { return len(s.commits) > before })
					return time.Since(begun)
				})
			})
			for name, sql := range map[string]string{
				"barrier, idle": "select 1", "barrier after a commit": "update t set n = n + 1",
				"barrier after something else":         "select pg_current_xact_id()",
				"barrier after an asynchronous commit": "set synchronous_commit = off; update t set n = n + 1; reset synchronous_commit",
			} {
				b.Run(name, func(b *testing.B) {
					measure(b, func() time.Duration {
						if _, err := c.Exec(b.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
							b.Fatal(err)
						}
						begun := time.Now()
						if err := p.feed.Barrier(b.Context()); err != nil {
							b.Fatal(err)
						}
						return time.Since(begun)
					})
				})
			}
		})
	}
}

func measure(b *testing.B, once func() time.Duration) {
	b.Helper()
	var times []time.Duration
	for b.Loop() {
		times = append(times, once())
	}
	slices.Sort(times)
	at := func(p float64) float64 { return float64(times[int(p*float64(len(times)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
}
