package driver

import (
	"context"
	"errors"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/redis"
	"github.com/gopgcache/pgcache/dsn"
)

// shared is the store that a fleet of processes shares, behind the memory of this one. Whatever it does not do in time, or at
// all, is left to PostgreSQL.
//
// What is judged against a feed that all processes follow alike needs nothing but to be found: the entry has its position in
// the server's order of commits, and each process judges it by its own ledger. Without such a feed the store keeps the
// ledger too: see marked.go.
type shared struct {
	cache   *cache
	store   sharedStore
	timeout time.Duration
	// putting has one token per result on its way into the store.
	putting chan struct{}
	// publishes is set when some process may have to learn of writes from the store.
	publishes bool
	owed      owed
}

// sharedStore is what a store has to be able to do that a fleet shares.
type sharedStore interface {
	cachestore.Store
	cachestore.Lessor
	cachestore.Ledger
}

// maxPutting bounds the results on their way into the store that a fleet shares, or into one of the user's own. One too many is kept
// in this process only, or not at all.
const maxPutting = 64

func newShared(c *cache, store sharedStore) *shared {
	return &shared{
		cache: c, store: store, timeout: c.config.Timeout, putting: make(chan struct{}, maxPutting),
		publishes: c.config.Consistency <= dsn.ConsistencyTTL,
	}
}

// permit is the right to make an entry for the whole fleet. A nil permit is what there is without a fleet.
type permit struct {
	shared *shared
	lease  cachestore.Lease
}

// keep puts the entry into the store, in the background, and ends the permit.
func (p *permit) keep(entry *cachestore.Entry) {
	if p == nil {
		return
	}
	p.end(func(ctx context.Context) error { return p.lease.Put(ctx, entry) })
}

// drop gives the right back: others may try.
func (p *permit) drop() {
	if p == nil {
		return
	}
	p.end(func(context.Context) error { return nil })
}

// end ends the permit in the background: whoever waits for the answer in this process has it already.
func (p *permit) end(how func(context.Context) error) {
	s := p.shared
	free := func() { <-s.putting }
	select {
	case s.putting <- struct{}{}:
	default: // too many at once
		free = func() {}
		how = func(context.Context) error { return nil }
	}
	started := s.cache.background.run(func(ctx context.Context) {
		defer free()
		defer p.lease.Release()
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		s.count(how(ctx))
	})
	if !started {
		free()
		p.lease.Release()
	}
}

// seek looks for the entry of a request that is not in this process's memory. It gives the entry, if there is one that may be
// served; past is one that is only too old for that. Otherwise it gives the right to make it, waiting for who makes it just
// now, or nothing when the fleet is of no help.
func (s *shared) seek(ctx context.Context, r *request) (entry, past *cachestore.Entry, p *permit) {
	if !s.helps(r) {
		return nil, nil, nil
	}
	// It bounds the wait for others only: with lock=0 there is none, and what the store has already is found all the same.
	patience, cancel := context.WithTimeout(ctx, r.verdict.rule.Lock)
	defer cancel()
	looked := r.byMark // then find has looked already
	for {
		if !looked {
			var err error
			if entry, past, err = s.get(ctx, r); entry != nil || err != nil {
				return entry, past, nil // a store that has failed the query once is not given the time to do it again
			}
		}
		looked = false
		lease, err := s.lease(ctx, r.commonKey())
		switch {
		case err != nil:
			return nil, past, nil
		case lease.Mine():
			// Somebody may have put it since we looked.
			if entry, past, _ = s.get(ctx, r); entry != nil {
				(&permit{s, lease}).drop()
				return entry, nil, nil
			}
			return nil, past, &permit{s, lease}
		case lease.Wait(patience) != nil, patience.Err() != nil:
			return nil, past, nil
		case r.byMark && s.readMark(ctx, r) != nil:
			return nil, past, nil
		}
	}
}

// claim is seek for a fill in the background: it waits for nobody. busy is set when somebody else makes the entry.
func (s *shared) claim(ctx context.Context, r *request) (entry *cachestore.Entry, p *permit, busy bool) {
	if !s.helps(r) {
		return nil, nil, false
	}
	lease, err := s.lease(ctx, r.commonKey())
	switch {
	case err != nil:
		return nil, nil, false
	case !lease.Mine():
		return nil, nil, true
	}
	if entry, _, _ := s.get(ctx, r); entry != nil && entry.Age(cachestore.Now()) < r.ttl() {
		lease.Release()
		return entry, nil, false
	}
	return nil, &permit{s, lease}, false
}

// helps tells whether the store can have what the request may be answered with, or be given it.
func (s *shared) helps(r *request) bool {
	if fw := r.verdict.follower; fw != nil {
		return fw.ownDelivered(r.tags())
	}
	return r.quiet
}

// lease asks for the right to make an entry.
func (s *shared) lease(ctx context.Context, key cachestore.Key) (cachestore.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	lease, err := s.store.Lease(ctx, key)
	s.count(err)
	return lease, err
}

// get gets an entry and judges it. One that may be served is kept in memory from here on.
func (s *shared) get(ctx context.Context, r *request) (entry, past *cachestore.Entry, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	e, err := s.store.Get(ctx, r.commonKey())
	s.count(err)
	if e == nil {
		return nil, nil, err
	}
	entry, past = s.cache.weighForeign(ctx, r, e)
	return entry, past, nil
}

// damaged is how many values the store could not read.
func (s *shared) damaged() int64 {
	if s == nil {
		return 0
	}
	if store, ok := s.store.(interface{ Counters() redis.Counters }); ok {
		return store.Counters().Damaged
	}
	return 0
}

// count counts what went wrong with the store. A context that ended is the caller's affair.
func (s *shared) count(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	s.cache.stats.storeErrors.Add(1)
	s.cache.warn(s.cache.background.ctx, "pgcache: the shared store does not do its work", "error", err)
}

// peek looks for an entry, for somebody who doesn't want it to be made.
func (s *shared) peek(ctx context.Context, r *request) *cachestore.Entry {
	if !s.helps(r) {
		return nil
	}
	entry, _, _ := s.get(ctx, r)
	return entry
}
