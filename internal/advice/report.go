package advice

import "time"

// What answers cost beside PostgreSQL's own time, as docs/benchmarks.md has it for one row, rounded up.
const (
	hitCost = 2 * time.Microsecond
	// missOverhead is what a miss costs more than the query by itself.
	missOverhead = 10 * time.Microsecond
)

// Report is what there is to say of a statement.
type Report struct {
	Text, Pattern string
	Tables        []string
	Calls         int64
	// Observed is the number of queries that could have been answered from a cache.
	Observed, TooLarge int64
	// Reason says why some could not, or is empty.
	Reason string
	// Cost is the mean time of a query.
	Cost time.Duration
	// BreakEven is the hit ratio from which on a cache pays.
	BreakEven float64
	Rungs     [rungs]Rung
	// Sample is the share of the keys that is counted: 1 in so many.
	Sample uint64
}

// Rung is what a cache with one ttl would have done.
type Rung struct {
	TTL      time.Duration
	HitRatio float64 // of all calls
	Saved    time.Duration
	Bytes    int64 // held at most, an upper bound
	// PlainLies are hits that differ from what PostgreSQL gave if nothing but the ttl ended them. Lies are those that are left
	// where changes that are known of end them too.
	PlainLies, Lies int64
}

// Report sums up what was learned.
func (s *Statement) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Report{
		Text: s.text, Pattern: s.pattern, Tables: s.tables, Calls: s.calls.Load(), Reason: s.reason,
		Observed: s.observed, TooLarge: s.tooLarge, Sample: s.mask + 1,
	}
	for i, ttl := range Ladder {
		r.Rungs[i].TTL = ttl
	}
	if s.observed == 0 || s.seen == 0 {
		return r
	}
	r.Cost = s.cost / time.Duration(s.observed)
	r.BreakEven = breakEven(r.Cost)
	// A sample of the keys may hold more or less than its share of the queries: it tells shares, not numbers.
	scale := float64(s.observed) / s.seen
	held := float64(s.bytes) * float64(s.mask+1)
	for i := range s.tallies {
		t, rung := &s.tallies[i], &r.Rungs[i]
		rung.HitRatio = t.hits * scale / float64(max(r.Calls, s.observed))
		rung.Saved = time.Duration(t.saved * scale)
		rung.Lies, rung.PlainLies = int64(t.lies*scale+0.5), int64(t.plainLies*scale+0.5)
		rung.Bytes = int64(min(held, t.window.peak))
	}
	return r
}

// breakEven is the ratio h at which h hits and 1-h misses cost as much as PostgreSQL alone.
func breakEven(origin time.Duration) float64 {
	miss := origin + missOverhead
	if miss <= hitCost {
		return 1
	}
	return min(1, float64(miss-origin)/float64(miss-hitCost))
}

// nearly is the share of the greatest saving that is good enough for a shorter ttl: what a longer one adds is mostly risk.
const nearly = 0.95

// Best gives the rung to take: the shortest ttl that saves nearly as much as any that would not have lied. It gives nil, and
// says why, when there is none.
func (r *Report) Best() (best *Rung, why string) {
	var greatest time.Duration
	honest := 0
	for i := range r.Rungs {
		if rung := &r.Rungs[i]; rung.Lies == 0 {
			honest++
			greatest = max(greatest, rung.Saved)
		}
	}
	switch {
	case r.Observed == 0:
		return nil, r.Reason
	case r.TooLarge*2 > r.Observed:
		return nil, "most results are larger than what would be kept"
	case honest == 0:
		return nil, "with every ttl some answers would have been old: others write its tables, so install a feed"
	case greatest == 0:
		return nil, "no query came twice within an hour"
	}
	for i := range r.Rungs {
		rung := &r.Rungs[i]
		if rung.Lies == 0 && float64(rung.Saved) >= nearly*float64(greatest) {
			best = rung
			break
		}
	}
	if best.HitRatio <= r.BreakEven {
		return best, "it is not asked again often enough for a cache to pay"
	}
	return best, ""
}
