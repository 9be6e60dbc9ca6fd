package advice

import (
	"sync"
	"sync/atomic"
	"time"
)

// Statement is what was learned of one statement. It is safe for concurrent use.
type Statement struct {
	observer      *Observer
	text, pattern string
	number        uint64 // in the order in which statements were met

	calls     atomic.Int64
	held      atomic.Int64 // keys
	forgotten atomic.Bool

	mu     sync.Mutex
	keys   map[uint64]*key
	mask   uint64 // only keys without these bits are counted
	bytes  int64  // of the latest row sets of the keys
	tables []string
	reason string // why it was not cacheable the last time that it was not

	observed, tooLarge int64 // queries
	cost               time.Duration
	seen               float64 // queries whose keys are counted, by their weight
	tallies            [rungs]tally
}

// Query is one query that a cache might have answered.
type Query struct {
	Key   uint64 // a hash of all that makes queries the same
	Began time.Time
	Cost  time.Duration
	Hash  uint64 // of the row set
	Size  int64  // bytes that it would take in the cache
	// TooLarge is set for a row set that would not be kept. Hash and Size are not looked at then.
	TooLarge bool
	// Position is where in the order of changes the row set was read, and Admitted is not set when it would not have been
	// kept because a change overlapped it.
	Position uint64
	Admitted bool
}

// Judge tells whether what was read at a position is unchanged now.
type Judge interface{ Fresh(position uint64) bool }

// Call counts a query, cacheable or not.
func (s *Statement) Call() { s.calls.Add(1) }

// Forgotten tells whether the statement had to make room: then what is told to it is lost.
func (s *Statement) Forgotten() bool { return s.forgotten.Load() }

// Refuse notes why a query could not have been answered from a cache.
func (s *Statement) Refuse(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reason = reason
}

// Reads notes which tables the statement reads.
func (s *Statement) Reads(tables []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = tables
}

// Observe learns from a query that has come to its end.
func (s *Statement) Observe(q *Query, judge Judge) {
	if s.observe(q, judge) > MaxKeys {
		s.observer.bound()
	}
}

// observe gives the number of keys that are held afterwards.
func (s *Statement) observe(q *Query, judge Judge) (keys int64) {
	now, since := s.observer.clock(q.Began)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observed++
	s.cost += q.Cost
	if s.forgotten.Load() || q.Key&s.mask != 0 {
		return 0
	}
	weight := float64(s.mask + 1)
	s.seen += weight
	if q.TooLarge {
		s.tooLarge++
		return 0
	}
	k := s.keys[q.Key]
	if k == nil {
		k = new(key)
		s.keys[q.Key] = k
		s.held.Add(1)
		keys = s.observer.keys.Add(1)
	}
	s.bytes += q.Size - k.size
	k.size = q.Size
	s.climb(k, q, judge, now, since, weight)
	return keys
}

// climb counts the query under every ttl, and keeps of it what a cache would keep.
func (s *Statement) climb(k *key, q *Query, judge Judge, now uint32, since time.Duration, weight float64) {
	this := kept{at: now, hash: uint32(q.Hash), position: q.Position}
	for i, ttl := range Ladder {
		t := &s.tallies[i]
		if plain := &k.plain[i]; !plain.young(now, ttl) {
			*plain = this
		} else if plain.lies(now, this.hash) {
			t.plainLies += weight
		}
		tracked := &k.tracked[i]
		switch {
		case tracked.young(now, ttl) && judge.Fresh(tracked.position):
			t.hits += weight
			t.saved += weight * float64(q.Cost)
			if tracked.lies(now, this.hash) {
				t.lies += weight
			}
		case q.Admitted:
			*tracked = this
			t.window.add(since, ttl, weight*float64(q.Size))
		default:
			*tracked = kept{}
		}
	}
}

// halve goes on with half of the keys.
func (s *Statement) halve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mask = s.mask<<1 | 1
	for id, k := range s.keys {
		if id&s.mask != 0 {
			s.bytes -= k.size
			delete(s.keys, id)
		}
	}
	s.recount()
}

// recount tells how many keys there are. The caller holds the lock.
func (s *Statement) recount() {
	n := int64(len(s.keys))
	s.observer.keys.Add(n - s.held.Swap(n))
}

// forget lets go of the keys, and takes no more.
func (s *Statement) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten.Store(true)
	clear(s.keys)
	s.recount()
}
