//go:build unix

package fleet_test

import (
	"testing"
	"time"
)

// What is older than its ttl is served on for a while, and PostgreSQL is asked once for the fleet, however many ask.
func TestStaleWhileRevalidate(t *testing.T) {
	const (
		ttl     = time.Second
		periods = 4
		rule    = "rule=all: * ttl=1s stale=1h"
	)
	for _, way := range []struct {
		name   string
		params func(t *testing.T) func(int) []string
		// most is how often it may be asked in a period. An owner gives peers only what is younger than half the ttl.
		most int64
	}{
		{"redis", func(t *testing.T) func(int) []string { return onRedis(ownRedis(t).URL(), "feed=none", rule) }, 1},
		{"peers", func(t *testing.T) func(int) []string { return amongPeers(t, "feed=none", rule) }, 2},
	} {
		t.Run(way.name, func(t *testing.T) {
			f := startFleet(t, way.params(t))
			began := time.Now()
			for i := range everybody {
				f.tell(i, command{Do: "ask on", Query: "select count(*)::text from counted where id <= $1", Arg: 7, Goroutines: 4})
				f.hear(i)
			}
			f.eventually("periods", func() bool { return f.runs.Load() > periods })
			runs, most := f.runs.Load(), (int64(time.Since(began)/ttl)+2)*way.most
			for i, r := range f.all(everybody, command{Do: "rest"}) {
				if r.Failed+r.Wrong > 0 || r.Answer != "7" {
					t.Errorf("process %d: %+v", i, r)
				}
				t.Logf("process %d: %d queries, %d of them answered with what was too old, %d by a fill", i, r.Queries, r.Stats.StaleServed, r.Stats.Misses)
			}
			t.Logf("PostgreSQL was asked %d times in %v", runs, time.Since(began))
			if runs > most {
				t.Errorf("that is more than %d", most)
			}
			f.leave(everybody)
		})
	}
}
