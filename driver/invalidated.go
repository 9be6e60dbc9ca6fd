package driver

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// invalidated remembers what somebody called invalidate for, and when: whatever was read before is not served again, at any
// level. Changes need no such call, they have positions; so this is empty in most programs, and asking it costs one load. The
// zero value is ready and safe for concurrent use.
type invalidated struct {
	used atomic.Bool

	mu    sync.RWMutex
	floor time.Time // of everything
	byTag map[freshness.Tag]time.Time
}

// maxInvalidated bounds the tags that are remembered one by one.
const maxInvalidated = 10_000

// add makes stale what was read of the tables until now.
func (iv *invalidated) add(tables []freshness.Tag) {
	iv.mu.Lock()
	defer iv.mu.Unlock()
	now := time.Now()
	if iv.byTag == nil || len(iv.byTag) >= maxInvalidated {
		if iv.byTag != nil {
			iv.floor = now
		}
		iv.byTag = make(map[freshness.Tag]time.Time)
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
	iv.floor, iv.byTag = time.Now(), nil
	iv.used.Store(true)
}

// since tells whether one of the tables that something was read from was invalidated after that.
func (iv *invalidated) since(readAt time.Time, tables []freshness.Tag) bool {
	if !iv.used.Load() {
		return false
	}
	iv.mu.RLock()
	defer iv.mu.RUnlock()
	if !readAt.After(iv.floor) {
		return true
	}
	for _, table := range tables {
		if at, ok := iv.byTag[table]; ok && !readAt.After(at) {
			return true
		}
	}
	return false
}
