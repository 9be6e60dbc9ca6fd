package driver

import (
	"strconv"
	"sync/atomic"
	"time"
)

// Stats tells what a cache has done. Counts begin when the connector is made.
type Stats struct {
	Hits           int64 // queries answered from the store
	Misses         int64 // queries that could be cached and were sent to PostgreSQL
	Bypassed       int64 // queries that could not be cached
	Coalesced      int64 // queries answered by a fill that another query had under way
	StaleServed    int64 // of the hits, those past their ttl, as stale= and stale_if_error= allow
	Fills          int64 // fills that came to an end, background ones included
	FillErrors     int64 // of the fills, those that failed
	RejectedFills  int64 // results not kept because a table changed while they were read
	Invalidations  int64 // calls of invalidate and flush
	SharedHits     int64 // of the hits, those from the store that a fleet shares
	StoreErrors    int64 // times that the store could not do its work
	CorruptEntries int64 // entries that were not what their key stands for

	Entries int64 // entries in the store
	Bytes   int64 // bytes that the store holds
	Evicted int64 // entries dropped to stay within pgcache_memory

	Consistency string        // the level in force
	Feed        string        // where changes made elsewhere are learned from
	FeedLag     time.Duration // how far behind the feed is
	TimeSaved   time.Duration // what the hits would have cost PostgreSQL
}

// counters are the counts behind Stats.
type counters struct {
	hits                                       hits
	misses, bypassed, coalesced, staleServed   atomic.Int64
	fills, fillErrors, rejectedFills           atomic.Int64
	invalidations, storeErrors, corruptEntries atomic.Int64
	sharedHits                                 atomic.Int64
}

func (c *cache) snapshot() Stats {
	n := &c.stats
	held := c.store.Stats()
	stale := n.staleServed.Load() // before the hits, of which they are a part
	hits, saved := n.hits.total()
	return Stats{
		Hits: hits, Misses: n.misses.Load(), Bypassed: n.bypassed.Load(), Coalesced: n.coalesced.Load(),
		StaleServed: stale, Fills: n.fills.Load(), FillErrors: n.fillErrors.Load(),
		SharedHits:    n.sharedHits.Load(),
		RejectedFills: n.rejectedFills.Load(), Invalidations: n.invalidations.Load(), StoreErrors: n.storeErrors.Load(),
		CorruptEntries: n.corruptEntries.Load() + c.shared.damaged(), Entries: held.Entries, Bytes: held.Bytes, Evicted: held.Evicted,
		Consistency: c.inForce(), Feed: c.feedName(), FeedLag: c.feedLag(), TimeSaved: saved,
	}
}

// rows gives the statistics as SHOW pgcache.stats does: a name and a value each.
func (s Stats) rows() [][]string {
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	millis := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 3, 64) }
	return [][]string{
		{"hits", count(s.Hits)},
		{"misses", count(s.Misses)},
		{"bypassed", count(s.Bypassed)},
		{"coalesced", count(s.Coalesced)},
		{"stale_served", count(s.StaleServed)},
		{"fills", count(s.Fills)},
		{"fill_errors", count(s.FillErrors)},
		{"rejected_fills", count(s.RejectedFills)},
		{"invalidations", count(s.Invalidations)},
		{"shared_hits", count(s.SharedHits)},
		{"store_errors", count(s.StoreErrors)},
		{"corrupt_entries", count(s.CorruptEntries)},
		{"entries", count(s.Entries)},
		{"bytes", count(s.Bytes)},
		{"evicted", count(s.Evicted)},
		{"consistency", s.Consistency},
		{"feed", s.Feed},
		{"feed_lag_ms", millis(s.FeedLag)},
		{"time_saved_ms", millis(s.TimeSaved)},
	}
}
