package sessions_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// stepsOfAWorld is how long a trace is. Shorter ones are made small sooner; longer ones come further.
const stepsOfAWorld = 1500

// short is how long the test plays that runs with all the others.
const short = 10 * time.Second

// start starts a server whose roles the worlds may change as they like.
func start(t *testing.T) *testenv.Server {
	t.Helper()
	return pgtest.OwnWith(t, testenv.Options{Settings: map[string]string{
		"autovacuum": "off", "jit": "off", "synchronous_commit": "off",
	}})
}

// TestSessions plays worlds of two kinds: some that are always the same, and some that never were. It reports the first
// difference, with the smallest trace that shows it. PGCACHE_SESSIONS_SEED plays one world again.
func TestSessions(t *testing.T) {
	server, counts := start(t), newTally()
	if text := os.Getenv("PGCACHE_SESSIONS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		playWorld(t, server, seed, counts, func() bool { return true })
		t.Log(counts)
		return
	}
	random := rand.Uint64()
	t.Logf("the first random world has the seed %d", random)
	began := time.Now()
	playWorlds(t, server, counts, 1, func() bool { return time.Since(began) < short/2 })
	playWorlds(t, server, counts, random, func() bool { return time.Since(began) < short })
	conclude(t, counts)
}

// playWorlds plays one world after the other while it may and nothing was found. The last one may not come to its end.
func playWorlds(t *testing.T, server *testenv.Server, counts *tally, seed uint64, more func() bool) {
	t.Helper()
	for ; more() && !t.Failed(); seed++ {
		playWorld(t, server, seed, counts, more)
	}
}

// playWorld plays the world of one seed.
func playWorld(t *testing.T, server *testenv.Server, seed uint64, counts *tally, more func() bool) {
	t.Helper()
	w := newWorld(seed)
	g := newGenerator(w)
	counts.worlds++
	before := counts.reads
	trace, found := playTrace(t, server, g, counts, more)
	if found == nil {
		return
	}
	t.Logf("seed %d: a difference in world %d after %d reads, %d of them in its world: making the trace smaller",
		seed, counts.worlds, counts.reads, counts.reads-before)
	t.Errorf("%s", shrink(t, server, w, trace, found))
}

// playTrace plays what a generator makes up, and returns it up to the first difference.
func playTrace(t *testing.T, server *testenv.Server, g *generator, counts *tally, more func() bool) ([]op, *difference) {
	t.Helper()
	p := newPlayer(t, server, g.world, g.setup, counts)
	defer p.close(t)
	var trace []op
	for len(trace) < stepsOfAWorld && more() {
		o := g.next()
		trace = append(trace, o)
		if d := p.play(o); d != nil {
			return trace, d
		}
		if o.do == read {
			g.judge(o, p.failed)
		}
	}
	return trace, nil
}

// hitsWanted is the share of the reads that has to come from the cache: comparing what was never cached proves nothing. There
// are worlds where hardly anything may be cached, so it takes many to tell.
const (
	hitsWanted = 0.30
	manyWorlds = 20
)

// conclude reports what was done, and whether it was enough.
func conclude(t *testing.T, counts *tally) {
	t.Helper()
	t.Log(counts)
	switch {
	case t.Failed():
	case counts.hits == 0:
		t.Error("nothing came from the cache")
	case counts.worlds >= manyWorlds && counts.share() < hitsWanted:
		t.Errorf("only %.1f %% of the reads were hits", 100*counts.share())
	}
}
