//go:build soak

package sessions_test

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// readsWanted is how many reads the long test compares at least.
const readsWanted = 200_000

// TestSoakSessions plays random worlds until so many reads were compared and the time is over that PGCACHE_SOAK gives. Two
// play at a time, each on a server of its own, since a world changes roles.
func TestSoakSessions(t *testing.T) {
	long, _ := time.ParseDuration(os.Getenv("PGCACHE_SOAK"))
	until := time.Now().Add(long)
	counts := []*tally{newTally(), newTally()}
	var players sync.WaitGroup
	for _, mine := range counts {
		server, seed := start(t), rand.Uint64()
		t.Logf("worlds from seed %d on", seed)
		players.Go(func() {
			playWorlds(t, server, mine, seed, func() bool { return mine.reads < readsWanted/2 || time.Now().Before(until) })
		})
	}
	players.Wait()
	counts[0].add(counts[1])
	conclude(t, counts[0])
}

// add adds what another has counted.
func (t *tally) add(other *tally) {
	t.reads, t.hits, t.steps, t.worlds = t.reads+other.reads, t.hits+other.hits, t.steps+other.steps, t.worlds+other.worlds
	t.inTransactions, t.errors = t.inTransactions+other.inTransactions, t.errors+other.errors
	t.uncompared, t.anew, t.badSetup = t.uncompared+other.uncompared, t.anew+other.anew, t.badSetup+other.badSetup
	for name, n := range other.byKind {
		c := t.kind(name)
		c.total, c.hits, c.failed = c.total+n.total, c.hits+n.hits, c.failed+n.failed
	}
}

// TestSoakConcurrently is TestConcurrently for longer.
func TestSoakConcurrently(t *testing.T) {
	long, _ := time.ParseDuration(os.Getenv("PGCACHE_SOAK"))
	together(t, start(t), max(time.Minute, long/4))
}
