package driver

import (
	"sync"
	"sync/atomic"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// cutoffs are the times before which what was read of a table counts as stale at any level, by the clock: where somebody called
// invalidate, a level fell, or a peer may not have heard of an own write. Changes have positions and need none, so there are none in most
// programs, and asking costs one load. The zero value is ready and safe for concurrent use.
type cutoffs struct {
	used atomic.Bool

	mu    sync.RWMutex
	floor cachestore.Instant // of everything; 0 for never
	byTag map[freshness.Tag]cachestore.Instant
}

// maxCutoffs bounds the tags that are remembered one by one.
const maxCutoffs = 10_000

// add makes stale what was read of the tables until now.
func (cs *cutoffs) add(tables []freshness.Tag) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	now := cachestore.Now()
	if cs.byTag == nil || len(cs.byTag) >= maxCutoffs {
		if cs.byTag != nil {
			cs.floor = now
		}
		cs.byTag = make(map[freshness.Tag]cachestore.Instant)
	}
	for _, table := range tables {
		cs.byTag[table] = now
	}
	cs.used.Store(true)
}

// addAll makes stale whatever was read until now.
func (cs *cutoffs) addAll() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.floor, cs.byTag = cachestore.Now(), nil
	cs.used.Store(true)
}

// since tells whether one of the tables that something was read from has a cutoff after that.
func (cs *cutoffs) since(readAt cachestore.Instant, tables []freshness.Tag) bool {
	if !cs.used.Load() {
		return false
	}
	cs.mu.RLock()
	defer cs.mu.RUnlock()
	if cs.floor != 0 && readAt <= cs.floor {
		return true
	}
	for _, table := range tables {
		if at, ok := cs.byTag[table]; ok && readAt <= at {
			return true
		}
	}
	return false
}
