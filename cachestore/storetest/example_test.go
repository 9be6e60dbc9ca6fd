package storetest_test

import (
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/memory"
	"github.com/gopgcache/pgcache/cachestore/storetest"
)

// The test of a store calls Exercise with what opens one. The options add checks for stores that can be told the time, or
// how much to hold.
func ExampleExercise() {
	_ = func(t *testing.T) { // TestContract
		storetest.Exercise(t, func(*testing.T) cachestore.Store { return memory.New(64 << 20) },
			storetest.WithClock(func(_ *testing.T, now func() time.Time) cachestore.Store {
				return memory.New(64<<20, memory.WithClock(now))
			}),
			storetest.WithLimit(func(_ *testing.T, limit int64) cachestore.Store { return memory.New(limit) }))
	}
	// Output:
}
