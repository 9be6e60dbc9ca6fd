package memory_test

import (
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/memory"
	"github.com/gopgcache/pgcache/cachestore/storetest"
)

func TestContract(t *testing.T) {
	storetest.Exercise(t,
		func(*testing.T) cachestore.Store { return memory.New(64 << 20) },
		storetest.WithClock(func(_ *testing.T, now func() time.Time) cachestore.Store {
			return memory.New(64<<20, memory.WithClock(now))
		}),
		storetest.WithLimit(func(_ *testing.T, limit int64) cachestore.Store { return memory.New(limit) }),
	)
}
