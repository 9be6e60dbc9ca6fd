package storetest

import (
	"sync"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// with returns a fault that has no state of its own.
func with(f fault) func() fault { return func() fault { return f } }

// altered returns a copy of an entry with a change.
func altered(change func(*cachestore.Content)) func(*cachestore.Entry) *cachestore.Entry {
	return func(entry *cachestore.Entry) *cachestore.Entry {
		c := entry.Content()
		change(&c)
		return cachestore.NewEntry(c)
	}
}

// faults are stores that break the contract, with the checks that must see it.
var faults = []struct {
	name   string
	fault  func() fault
	seenBy []string
}{
	{"all keys are one", with(fault{index: func(cachestore.Key) cachestore.Key { return cachestore.Key{} }}), []string{
		"absent key gives nothing", "many keys keep apart", "keys that are nearly equal keep apart",
	}},
	{"looks at half of the key", with(fault{index: func(key cachestore.Key) cachestore.Key {
		clear(key[16:])
		return key
	}}), []string{"keys that are nearly equal keep apart"}},
	{"loses tags", with(fault{keep: altered(func(c *cachestore.Content) { c.Tags = nil })}), []string{"put is got whole"}},
	{"loses arguments", with(fault{give: altered(func(c *cachestore.Content) { c.Arguments = "" })}), []string{
		"put is got whole",
	}},
	{"loses large rows", with(fault{give: altered(func(c *cachestore.Content) {
		if c.Rows.Size() > 1<<20 {
			c.Rows = rowset.Table([]string{"k", "v"}, nil)
		}
	})}), []string{"sizes from nothing to 8 MiB"}},
	{"keeps the first put", with(fault{keepsFirst: true}), []string{
		"last put wins", "replacing starts a new life",
	}},
	{"forgets every tenth put", with(fault{forget: func(puts int) bool { return puts%10 == 0 }}), []string{
		"many keys keep apart", "last put wins", "stats count entries", "writers see their own puts",
	}},
	{"never expires", with(fault{expired: func(*cachestore.Entry, time.Time) bool { return false }}), []string{
		"expired entry gives nothing", "expired entry replaces a good one", "entry is given until it expires",
	}},
	{"keeps an hour at most", with(fault{expired: func(e *cachestore.Entry, now time.Time) bool {
		return now.Sub(e.ReadAt()) >= min(e.Keep(), time.Hour)
	}}), []string{"old entry that is kept long is given"}},
	{"counts age by its own clock's start", withArrivals, []string{"age counts from the reading"}},
	{"leaves the old entry when it drops", with(fault{keepsOldOnDrop: true}), []string{
		"expired entry replaces a good one", "too large a put leaves no old entry",
	}},
	{"makes room in vain", with(fault{dropsAllOnLarge: true}), []string{"too large a put leaves no old entry"}},
	{"doesn't clear", with(fault{clearsNothing: true}), []string{"clear drops everything", "stats count bytes"}},
	{"breaks when cleared", with(fault{breaksOnClear: true}), []string{"cleared store keeps again"}},
	{"lives on after close", with(fault{openAfterClose: true}), []string{
		"closed store gives and keeps nothing", "clear and close in the middle of everything",
	}},
	{"closes only once", with(fault{closesOnce: true}), []string{"close twice"}},
	{"ignores contexts", with(fault{deafGet: true}), []string{"get with ended context"}},
	{"says something else of contexts", with(fault{vagueContext: true}), []string{
		"get with ended context", "put with ended context", "clear with ended context",
	}},
	{"says that it cleared", with(fault{clearLies: true}), []string{"clear with ended context"}},
	{"writes to entries", with(fault{keep: func(e *cachestore.Entry) *cachestore.Entry {
		e.Tags()[0]++
		return e
	}}), []string{"entries are left as they were"}},
	{"uses an entry again", withReuse, []string{"entry outlives its place"}},
	{"counts too many entries", with(fault{stats: func(s cachestore.Stats) cachestore.Stats {
		s.Entries++
		return s
	}}), []string{"stats count entries", "clear drops everything"}},
	{"counts no bytes", with(fault{size: func(*cachestore.Entry) int64 { return 0 }}), []string{
		"stats count bytes", "bound holds with one writer",
	}},
	{"gives an older version at times", withOldVersions, []string{
		"readers never go back in time", "writers see their own puts", "writers of one key don't mix",
	}},
	{"mixes up two entries", withMixUp, []string{"writers of one key don't mix"}},
	{"has no bound", with(fault{unbounded: true}), []string{
		"bound holds with one writer", "bound holds with many writers",
	}},
	{"turns newcomers away", with(fault{turnsAway: true}), []string{"full store still keeps what comes"}},
}

// withArrivals judges the age of an entry from when the store saw it first.
func withArrivals() fault {
	arrivals := map[*cachestore.Entry]time.Time{}
	return fault{expired: func(entry *cachestore.Entry, now time.Time) bool {
		arrived, known := arrivals[entry]
		if !known {
			arrived = now
			arrivals[entry] = now
		}
		return now.Sub(arrived) >= entry.Keep()
	}}
}

// withReuse uses the memory of an entry, which its readers hold, for parts of the next one.
func withReuse() fault {
	var last *cachestore.Entry
	return fault{keep: func(entry *cachestore.Entry) *cachestore.Entry {
		if last != nil {
			copy(last.Tags(), entry.Tags())
		}
		last = copyOf(entry)
		return last
	}}
}

// withOldVersions gives the first version of a key on every fifth look at it.
func withOldVersions() fault {
	first, looks := map[cachestore.Key]*cachestore.Entry{}, 0
	return fault{stale: func(key cachestore.Key, kept *cachestore.Entry) *cachestore.Entry {
		if first[key] == nil {
			first[key] = kept
		}
		if looks++; looks%5 == 0 {
			return first[key]
		}
		return kept
	}}
}

// withMixUp gives on every third look what was looked at before.
func withMixUp() fault {
	var (
		mu     sync.Mutex
		before *cachestore.Entry
		looks  int
	)
	return fault{give: func(kept *cachestore.Entry) *cachestore.Entry {
		mu.Lock()
		defer mu.Unlock()
		last := before
		before = kept
		if looks++; looks%3 == 0 && last != nil {
			return last
		}
		return kept
	}}
}
