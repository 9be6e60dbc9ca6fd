package inspect

import (
	"sync"
	"time"
)

// The ring holds ten minutes of a page that is open, and costs less than a page itself.
const (
	most  = 300
	apart = time.Second // samples that are closer say nothing new
)

// sample is what SHOW pgcache.stats said at a moment.
type sample struct {
	at     time.Time
	values map[string]float64 // of the counters that are numbers
}

// ring keeps the latest samples. It is safe for concurrent use.
type ring struct {
	mu      sync.Mutex
	samples []sample
}

// add keeps a sample, and gives all that are kept, oldest first. One that is too close to the last is not kept, however many
// visitors there are.
func (g *ring) add(at time.Time, stats table) []sample {
	s := sample{at, map[string]float64{}}
	for _, row := range stats.Rows {
		if n, isNumber := numberIn(row[1]); isNumber {
			s.values[row[0]] = n
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.samples); n == 0 || at.Sub(g.samples[n-1].at) >= apart {
		if n == most {
			g.samples = g.samples[1:]
		}
		g.samples = append(g.samples, s)
	}
	return append([]sample(nil), g.samples...)
}

// rate tells how much a counter grew a second between two samples.
func (s sample) rate(before sample, counter string) float64 {
	return max(0, s.values[counter]-before.values[counter]) / s.at.Sub(before.at).Seconds()
}

// ratio tells which share of the lookups between two samples were hits; known is false when there were none.
func (s sample) ratio(before sample) (share float64, known bool) {
	hits := s.rate(before, "hits")
	all := hits + s.rate(before, "coalesced") + s.rate(before, "misses")
	if all == 0 {
		return 0, false
	}
	return hits / all, true
}
