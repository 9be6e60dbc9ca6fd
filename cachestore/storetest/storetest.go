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
		if o.elsewhere && c.counts {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c.run(probe{t, closing(t, open(t)), o.older})
		})
	}
	if o.openClocked != nil {
		for _, c := range clockChecks {
			t.Run(c.name, func(t *testing.T) {
				clock := newClock()
				c.run(probe{t, closing(t, o.openClocked(t, clock.now)), o.older}, clock)
			})
		}
	}
	if o.openBounded != nil {
		for _, c := range boundChecks {
			t.Run(c.name, func(t *testing.T) {
				c.run(probe{t, closing(t, o.openBounded(t, bound)), o.older})
			})
		}
	}
}

// Option adds checks for what not every store can do.
type Option func(*optional)

type optional struct {
	openClocked func(t *testing.T, now func() time.Time) cachestore.Store
	openBounded func(t *testing.T, limit int64) cachestore.Store
	elsewhere   bool
	older       time.Duration
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

// Elsewhere is for a store that keeps entries outside this process. There they may age by up to older while they are on their
// way, and Stats counts nothing, since they are not this process's alone.
func Elsewhere(older time.Duration) Option {
	return func(o *optional) { o.elsewhere, o.older = true, older }
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
	name   string
	run    func(p probe)
	counts bool // it is about Stats
}

// clockCheck is a check in which time passes.
type clockCheck struct {
	name string
	run  func(p probe, c *clock)
}

var checks = []check{
	{name: "absent key gives nothing", run: checkAbsent},
	{name: "put is got whole", run: checkWhole},
	{name: "last put wins", run: checkReplace},
	{name: "many keys keep apart", run: checkManyKeys},
	{name: "keys that are nearly equal keep apart", run: checkSimilarKeys},
	{name: "sizes from nothing to 8 MiB", run: checkSizes},
	{name: "expired entry gives nothing", run: checkExpired},
	{name: "expired entry replaces a good one", run: checkExpiredReplaces},
	{name: "old entry that is kept long is given", run: checkOldButKept},
	{name: "clear drops everything", run: checkClear},
	{name: "cleared store keeps again", run: checkUseAfterClear},
	{name: "closed store gives and keeps nothing", run: checkUseAfterClose},
	{name: "close twice", run: checkCloseTwice},
	{name: "get with ended context", run: checkGetEnded},
	{name: "put with ended context", run: checkPutEnded},
	{name: "clear with ended context", run: checkClearEnded},
	{name: "entries are left as they were", run: checkUntouched},
	{name: "entry outlives its place", run: checkOutlives},
	{name: "stats count entries", run: checkStatsEntries, counts: true},
	{name: "stats count bytes", run: checkStatsBytes, counts: true},
	{name: "readers never go back in time", run: checkMonotonic},
	{name: "writers see their own puts", run: checkOwnPuts},
	{name: "writers of one key don't mix", run: checkManyWriters},
	{name: "clear and close in the middle of everything", run: checkUpheaval},
}

var clockChecks = []clockCheck{
	{"entry is given until it expires", checkExpires},
	{"age counts from the reading", checkAgeFromReading},
	{"replacing starts a new life", checkReplaceRenews},
}

var boundChecks = []check{
	{name: "bound holds with one writer", run: checkBound},
	{name: "bound holds with many writers", run: checkBoundConcurrent},
	{name: "full store still keeps what comes", run: checkFullStoreKeeps},
	{name: "too large a put leaves no old entry", run: checkTooLarge},
}
