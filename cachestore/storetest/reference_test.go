package storetest

import (
	"context"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// reference is the plainest store that keeps the contract. Its hooks make it break the contract in one way each.
type reference struct {
	mu      sync.Mutex
	entries map[cachestore.Key]*cachestore.Entry
	bytes   int64
	evicted int64
	closed  bool

	limit int64
	now   func() time.Time
	fault fault
}

// fault is one way to break the contract. What is nil or false works as it should.
type fault struct {
	index           func(cachestore.Key) cachestore.Key                                // takes keys for others
	keep            func(put *cachestore.Entry) *cachestore.Entry                      // keeps something else
	give            func(kept *cachestore.Entry) *cachestore.Entry                     // gives something else
	size            func(*cachestore.Entry) int64                                      // counts wrongly
	forget          func(puts int) bool                                                // drops some puts
	expired         func(entry *cachestore.Entry, now time.Time) bool                  // judges age wrongly
	stats           func(cachestore.Stats) cachestore.Stats                            // tells something else
	keepsFirst      bool                                                               // doesn't replace
	keepsOldOnDrop  bool                                                               // leaves what was there when it drops a put
	clearsNothing   bool                                                               // ignores Clear
	breaksOnClear   bool                                                               // takes nothing after Clear
	openAfterClose  bool                                                               // lives on after Close
	closesOnce      bool                                                               // fails when closed again
	deafGet         bool                                                               // ignores contexts
	vagueContext    bool                                                               // gives another error for an ended context
	clearLies       bool                                                               // says that it cleared when it didn't
	unbounded       bool                                                               // ignores the limit
	turnsAway       bool                                                               // takes nothing when full
	dropsAllOnLarge bool                                                               // makes room for what it can't take
	stale           func(key cachestore.Key, kept *cachestore.Entry) *cachestore.Entry // gives older versions
	puts            int
}

func newReference(limit int64, now func() time.Time, f fault) *reference {
	return &reference{entries: map[cachestore.Key]*cachestore.Entry{}, limit: limit, now: now, fault: f}
}

func (s *reference) context(ctx context.Context) error {
	err := ctx.Err()
	if err != nil && s.fault.vagueContext {
		return errVague
	}
	return err
}

func (s *reference) Get(ctx context.Context, key cachestore.Key) (*cachestore.Entry, error) {
	if err := s.context(ctx); err != nil && !s.fault.deafGet {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault.index != nil {
		key = s.fault.index(key)
	}
	entry := s.entries[key]
	if entry == nil || s.expired(entry) {
		return nil, nil
	}
	if s.fault.stale != nil {
		entry = s.fault.stale(key, entry)
	}
	if s.fault.give != nil {
		entry = s.fault.give(entry)
	}
	return entry, nil
}

func (s *reference) Put(ctx context.Context, key cachestore.Key, entry *cachestore.Entry) error {
	if err := s.context(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault.index != nil {
		key = s.fault.index(key)
	}
	s.fault.puts++
	switch size := s.size(entry); {
	case s.closed, s.fault.keepsFirst && s.entries[key] != nil:
	case s.expired(entry), s.fault.forget != nil && s.fault.forget(s.fault.puts), size > s.limit && !s.fault.unbounded:
		if s.fault.dropsAllOnLarge && size > s.limit {
			clear(s.entries)
			s.bytes = 0
		}
		if !s.fault.keepsOldOnDrop {
			s.drop(key)
		}
	default:
		s.drop(key)
		if s.makeRoom(size) {
			s.keep(key, entry, size)
		}
	}
	return nil
}

func (s *reference) keep(key cachestore.Key, entry *cachestore.Entry, size int64) {
	if s.fault.keep != nil {
		entry = s.fault.keep(entry)
	}
	s.entries[key] = entry
	s.bytes += size
}

func (s *reference) makeRoom(size int64) bool {
	if s.fault.unbounded {
		return true
	}
	if s.fault.turnsAway && s.bytes+size > s.limit {
		s.evicted++
		return false
	}
	for key := range s.entries {
		if s.bytes+size <= s.limit {
			break
		}
		s.drop(key)
		s.evicted++
	}
	return true
}

func (s *reference) drop(key cachestore.Key) {
	if entry := s.entries[key]; entry != nil {
		s.bytes -= s.size(entry)
		delete(s.entries, key)
	}
}

func (s *reference) size(entry *cachestore.Entry) int64 {
	if s.fault.size != nil {
		return s.fault.size(entry)
	}
	return entry.Size()
}

func (s *reference) expired(entry *cachestore.Entry) bool {
	if s.fault.expired != nil {
		return s.fault.expired(entry, s.now())
	}
	return entry.Expired(cachestore.InstantOf(s.now()))
}

func (s *reference) Clear(ctx context.Context) error {
	if err := s.context(ctx); err != nil && !s.fault.clearLies {
		return err
	} else if err != nil || s.fault.clearsNothing {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.entries)
	s.bytes = 0
	s.closed = s.closed || s.fault.breaksOnClear
	return nil
}

func (s *reference) Stats() cachestore.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := cachestore.Stats{Entries: int64(len(s.entries)), Bytes: s.bytes, Evicted: s.evicted}
	if s.fault.stats != nil {
		return s.fault.stats(stats)
	}
	return stats
}

func (s *reference) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed && s.fault.closesOnce {
		return errVague
	}
	if s.fault.openAfterClose {
		return nil
	}
	s.closed = true
	clear(s.entries)
	s.bytes = 0
	return nil
}
