package inspect

// meanings say in words what SHOW pgcache.stats counts. A counter that is missing here is shown without.
var meanings = map[string]string{
	"hits":            "queries answered from the cache",
	"misses":          "queries that could be cached and were sent to PostgreSQL",
	"bypassed":        "queries that could not be cached",
	"coalesced":       "queries answered by a fill that another query had under way",
	"stale_served":    "of the hits, those past their ttl, as stale= and stale_if_error= allow",
	"fills":           "fills that came to an end, background ones included",
	"fill_errors":     "of the fills, those that failed",
	"rejected_fills":  "results not kept because a table changed while they were read",
	"invalidations":   "calls of invalidate and flush",
	"shared_hits":     "of the hits, those from the store that a fleet shares",
	"store_errors":    "times that the store could not do its work",
	"corrupt_entries": "entries that were not what their key stands for",
	"entries":         "entries in the store",
	"evicted":         "entries dropped to stay within pgcache_memory",
	"bytes":           "what the store holds",
	"consistency":     "the level in force",
	"feed":            "where changes made elsewhere are learned from",
	"feed_lag_ms":     "how far behind the feed is",
	"time_saved_ms":   "what the hits would have cost PostgreSQL",
}
