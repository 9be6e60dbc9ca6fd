package memory

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

var _ cachestore.Store = (*Store)(nil)

// Store is a bounded cachestore.Store in the memory of this process. All methods are safe for concurrent use.
type Store struct {
	shards   []shard
	budget   budget
	turn     atomic.Uint64 // whose turn it is to give something up
	maxEntry int64
	now      func() time.Time // nil: the monotonic clock
}

// Option changes how a Store works.
type Option func(*Store)

// WithClock makes the store judge the age of entries by now instead of the clock of this machine. It is for tests.
func WithClock(now func() time.Time) Option {
	return func(s *Store) { s.now = now }
}

// New returns an empty store that holds at most limit bytes of the heap, its own bookkeeping included. A limit too
// small for any entry is allowed: then nothing is kept.
func New(limit int64, options ...Option) *Store {
	s := &Store{shards: make([]shard, shardCount(limit))}
	for i := range s.shards {
		s.shards[i].reset()
	}
	s.budget.limit = limit - int64(len(s.shards))*emptyShardBytes
	s.maxEntry = min(limit/4, math.MaxUint32)
	for _, option := range options {
		option(s)
	}
	return s
}

// Get returns the entry kept under key, or nil. Its only error is that of an ended context.
func (s *Store) Get(ctx context.Context, key cachestore.Key) (*cachestore.Entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.At(&key, s.instant()), nil
}

// At is Get for a caller who has looked at the clock already: it gives the entry that was kept under key then, or nil.
func (s *Store) At(key *cachestore.Key, now cachestore.Instant) *cachestore.Entry {
	hash := hashOf(key)
	sh := s.shard(hash)
	n := sh.find(hash, key)
	if n == nil {
		return nil
	}
	entry := n.entry.Load()
	if entry == nil {
		return nil
	}
	if entry.Expired(now) {
		s.budget.release(sh.drop(n, entry))
		return nil
	}
	n.touch()
	return entry
}

// Put keeps entry under key, unless it has expired or needs more than a quarter of the limit; then whatever was kept
// under key is dropped. Its only error is that of an ended context, and then nothing has changed.
func (s *Store) Put(ctx context.Context, key cachestore.Key, entry *cachestore.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hash := hashOf(&key)
	sh := s.shard(hash)
	if s.expired(entry) || !s.admit(sh, hash, key, entry) {
		s.budget.release(sh.dropKey(hash, &key))
	}
	return nil
}

// admit makes room for entry, puts it, and tells whether there was room to be made.
func (s *Store) admit(sh *shard, hash uint64, key cachestore.Key, entry *cachestore.Entry) bool {
	own, common := sizesOf(entry)
	if own+common > s.maxEntry {
		return false
	}
	need := reservation{entry: own, common: common, growth: sh.growth()}
	if !s.reserve(need.total()) {
		return false
	}
	s.budget.release(sh.put(hash, key, entry, need) + sh.sweep(s.expired))
	return true
}

// Clear drops every entry that was put before it was called. It gives up between two shards when ctx ends.
func (s *Store) Clear(ctx context.Context) error {
	for i := range s.shards {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.budget.release(s.shards[i].clear(false))
	}
	return nil
}

// Close drops everything. It never fails.
func (s *Store) Close() error {
	for i := range s.shards {
		s.budget.release(s.shards[i].clear(true))
	}
	return nil
}

// Stats tells what the store holds. Bytes includes room that is just being made for entries on their way in.
func (s *Store) Stats() cachestore.Stats {
	stats := cachestore.Stats{Bytes: s.budget.used.Load()}
	for i := range s.shards {
		entries, evicted := s.shards[i].counts()
		stats.Entries += entries
		stats.Evicted += evicted
	}
	return stats
}

func (s *Store) instant() cachestore.Instant {
	if s.now == nil {
		return cachestore.Now()
	}
	return cachestore.InstantOf(s.now())
}

func (s *Store) expired(entry *cachestore.Entry) bool { return entry.Expired(s.instant()) }

func (s *Store) shard(hash uint64) *shard {
	return &s.shards[hash&uint64(len(s.shards)-1)]
}
