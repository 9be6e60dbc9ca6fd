package driver

import (
	"sync"
	"sync/atomic"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// invalidated remembers what somebody called invalidate for, and when: whatever was read before is not served again, at any
// level. Changes need no such call, they have positions; so this is empty in most programs, and asking it costs one load. The
// zero value is ready and safe for concurrent use.
type invalidated struct {
	used atomic.Bool

	mu    sync.RWMutex
	floor cachestore.Instant // of everything; 0 for never
	byTag map[freshness.Tag]cachestore.Instant
}

// maxInvalidated bounds the tags that are remembered one by one.
const maxInvalidated = 10_000

// add makes stale what was read of the tables until now.
func (iv *invalidated) add(tables []freshness.Tag) {
	iv.mu.Lock()
	defer iv.mu.Unlock()
	now := cachestore.Now()
	if iv.byTag == nil || len(iv.byTag) >= maxInvalidated {
		if iv.byTag != nil {
			iv.floor = now
		}
		iv.byTag = make(map[freshness.Tag]cachestore.Instant)
	}
	for _, table := range tables {
		iv.byTag[table] = now
	}
	iv.used.Store(true)
}

// addAll makes stale whatever was read until now.
func (iv *invalidated) addAll() {
	iv.mu.Lock()
	defer iv.mu.Unlock()
	iv.floor, iv.byTag = cachestore.Now(), nil
	iv.used.Store(true)
}

// since tells whether one of the tables that something was read from was invalidated after that.
func (iv *invalidated) since(readAt cachestore.Instant, tables []freshness.Tag) bool {
	if !iv.used.Load() {
		return false
	}
	iv.mu.RLock()
	defer iv.mu.RUnlock()
	if iv.floor != 0 && readAt <= iv.floor {
		return true
	}
	for _, table := range tables {
		if at, ok := iv.byTag[table]; ok && readAt <= at {
			return true
		}
	}
	return false
}
