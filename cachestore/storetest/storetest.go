// Package storetest checks that a store keeps the contract of package cachestore. The tests of every store run it:
//
//	func TestContract(t *testing.T) {
//		storetest.Exercise(t, func(t *testing.T) cachestore.Store { return memory.New(64 << 20) })
//	}
//
// A store may forget whatever it likes, but one that forgets while it has room is useless. So the checks expect that an
// idle store of 64 MiB keeps a few MiB, unless they check forgetting itself. They are meant to run under the race
// detector.
package storetest

import (
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// Exercise runs every check as a subtest against a store of its own. open returns an empty store with room for 64 MiB;
// Exercise closes it.
func Exercise(t *testing.T, open func(t *testing.T) cachestore.Store, options ...Option) {
	t.Helper()
	var o optional
	for _, option := range options {
		option(&o)
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			c.run(probe{t, closing(t, open(t))})
		})
	}
	if o.openClocked != nil {
		for _, c := range clockChecks {
			t.Run(c.name, func(t *testing.T) {
				clock := newClock()
				c.run(probe{t, closing(t, o.openClocked(t, clock.now))}, clock)
			})
		}
	}
	if o.openBounded != nil {
		for _, c := range boundChecks {
			t.Run(c.name, func(t *testing.T) {
				c.run(probe{t, closing(t, o.openBounded(t, bound))})
			})
		}
	}
}

// Option adds checks for what not every store can do.
type Option func(*optional)

type optional struct {
	openClocked func(t *testing.T, now func() time.Time) cachestore.Store
	openBounded func(t *testing.T, limit int64) cachestore.Store
}

// WithClock adds checks of what happens as time passes. open is as for Exercise, and the store must tell the time by now.
func WithClock(open func(t *testing.T, now func() time.Time) cachestore.Store) Option {
	return func(o *optional) { o.openClocked = open }
}

// WithLimit adds checks of a store's bound. open returns an empty store that may hold limit bytes, by the measure of its
// own Stats.
func WithLimit(open func(t *testing.T, limit int64) cachestore.Store) Option {
	return func(o *optional) { o.openBounded = open }
}

func closing(t *testing.T, store cachestore.Store) cachestore.Store {
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}

// check is one thing that a store must do, by the name of its subtest.
type check struct {
	name string
	run  func(p probe)
}

// clockCheck is a check in which time passes.
type clockCheck struct {
	name string
	run  func(p probe, c *clock)
}

var checks = []check{
	{"absent key gives nothing", checkAbsent},
	{"put is got whole", checkWhole},
	{"last put wins", checkReplace},
	{"many keys keep apart", checkManyKeys},
	{"keys that are nearly equal keep apart", checkSimilarKeys},
	{"sizes from nothing to 8 MiB", checkSizes},
	{"expired entry gives nothing", checkExpired},
	{"expired entry replaces a good one", checkExpiredReplaces},
	{"old entry that is kept long is given", checkOldButKept},
	{"clear drops everything", checkClear},
	{"cleared store keeps again", checkUseAfterClear},
	{"closed store gives and keeps nothing", checkUseAfterClose},
	{"close twice", checkCloseTwice},
	{"get with ended context", checkGetEnded},
	{"put with ended context", checkPutEnded},
	{"clear with ended context", checkClearEnded},
	{"entries are left as they were", checkUntouched},
	{"entry outlives its place", checkOutlives},
	{"stats count entries", checkStatsEntries},
	{"stats count bytes", checkStatsBytes},
	{"readers never go back in time", checkMonotonic},
	{"writers see their own puts", checkOwnPuts},
	{"writers of one key don't mix", checkManyWriters},
	{"clear and close in the middle of everything", checkUpheaval},
}

var clockChecks = []clockCheck{
	{"entry is given until it expires", checkExpires},
	{"age counts from the reading", checkAgeFromReading},
	{"replacing starts a new life", checkReplaceRenews},
}

var boundChecks = []check{
	{"bound holds with one writer", checkBound},
	{"bound holds with many writers", checkBoundConcurrent},
	{"full store still keeps what comes", checkFullStoreKeeps},
	{"too large a put leaves no old entry", checkTooLarge},
}
