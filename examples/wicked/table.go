package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/figures"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
)

// The talk's times: six queries one by one and with six workers, and one of them without and with its cache.
const (
	talkLoop     = 57 * time.Second
	talkTogether = 27_500 * time.Millisecond
	talkUncached = 24_900 * time.Millisecond
	talkCached   = 4_320 * time.Microsecond
)

// table is every way to run the queries, and what came out.
type table struct {
	ways  []*way
	cores int // that PostgreSQL can use; 0 if that is not known

	loop   *way // of ways: what the others are measured by
	six    *way // of ways: the talk's pool
	second *way // of ways: the first that the cache answers
	hits   *way // the same, again and again
}

func (t *table) add(w way) *way {
	t.ways = append(t.ways, &w)
	return &w
}

// coresOf is how many queries PostgreSQL can work at truly at once; 0 if its machine may not be this one.
func coresOf(database *pgbench.Database) int {
	if database.Given() {
		return 0
	}
	return runtime.GOMAXPROCS(0)
}

// bound is the shortest time that w can take, or 0 if there is none to tell.
func (t *table) bound(w *way) time.Duration {
	if w.workers == 0 {
		return 0
	}
	workers := w.workers
	if t.cores > 0 {
		workers = min(workers, t.cores)
	}
	return makespan(t.loop.median().each, workers)
}

// disturbed reports whether some way was faster than is possible, by more than clocks and luck explain.
func (t *table) disturbed() bool {
	return slices.ContainsFunc(t.ways, func(w *way) bool {
		return w.median().took < t.bound(w)*95/100
	})
}

// makespan is the shortest time that queries can take together: that of the longest, or that of all of them spread evenly.
func makespan(each []time.Duration, workers int) time.Duration {
	var total time.Duration
	for _, d := range each {
		total += d
	}
	return max(slices.Max(each), total/time.Duration(workers))
}

// verdict holds six workers against the talk's, and against what is possible here.
func (t *table) verdict() string {
	loop, six, least := t.loop.median().took, t.six.median().took, t.bound(t.six)
	here, possible, talk := figures.Ratio(loop, six), figures.Ratio(loop, least), figures.Ratio(talkLoop, talkTogether)
	asInTalk := time.Duration(float64(loop) * float64(talkTogether) / float64(talkLoop))
	switch {
	case six <= asInTalk:
		return fmt.Sprintf("Six workers: %s, where the talk had %s.", here, talk)
	case least > asInTalk && t.cores > 0:
		return fmt.Sprintf("Six workers: %s of the %s that %d cores allow; the talk's %s takes more cores.", here, possible, t.cores, talk)
	}
	return fmt.Sprintf("Six workers: %s of the %s that is possible here; the talk had %s.", here, possible, talk)
}
