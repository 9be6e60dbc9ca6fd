package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

const (
	// leaseLasts is how long a lease lasts that nobody renews: how long others wait for a holder that was killed.
	leaseLasts = 1500 * time.Millisecond
	// renewEvery is how often the leases that are held are renewed.
	renewEvery = leaseLasts / 3
	// graceful is how much longer than a lease's time left is waited before it is looked at.
	graceful = 5 * time.Millisecond
)

// lease is a cachestore.Lease.
type lease struct {
	store    *Store
	names    entryNames
	token    string // ours
	entrance entrance
	holder   string        // somebody else's token; empty: the lease is ours
	left     time.Duration // how long theirs lasts if it isn't renewed

	mu    sync.Mutex
	ended bool
}

// Lease takes the right to make the entry under key, or finds out that somebody else has it.
func (s *Store) Lease(ctx context.Context, key cachestore.Key) (cachestore.Lease, error) {
	l := &lease{store: s, names: s.names.entry(key), token: rand.Text()}
	if err := s.doWrite(ctx, "lease", l.breaker(), l.take); err != nil {
		return nil, err
	}
	if l.Mine() && !s.keeper.keep(l) {
		l.Release()
		return nil, errShut
	}
	return l, nil
}

func (l *lease) take(ctx context.Context) error {
	reply, err := leaseScript.Run(ctx, l.store.client, []string{l.names.epoch, l.names.lease},
		rand.Text(), epochKept.Milliseconds(), l.token, leaseLasts.Milliseconds()).Slice()
	if err != nil {
		return err
	}
	words := make([]string, len(reply))
	for i := range reply {
		words[i] = fmt.Sprint(reply[i])
	}
	if l.entrance, err = entranceOf(words, time.Now()); err != nil || len(words) < 5 {
		return err
	}
	if l.holder = words[3]; l.holder == l.token { // ours, but the first answer was lost
		l.holder = ""
	}
	left, err := strconv.ParseInt(words[4], 10, 64)
	l.left = time.Duration(left) * time.Millisecond
	return err
}

func (l *lease) breaker() *breaker { return l.store.guard.entries[l.names.slots] }

// Mine tells whether the right is the caller's.
func (l *lease) Mine() bool { return l.holder == "" }

// Put keeps the entry and ends the lease, if it is still the caller's. The lease is over also when the entry can't be kept.
func (l *lease) Put(ctx context.Context, entry *cachestore.Entry) error {
	s := l.store
	if !l.Mine() || !l.end() {
		return nil
	}
	p := s.pack(entry)
	if p == nil {
		s.guard.counts.dropped.Add(1)
		l.letGo()
		return nil
	}
	err := s.doWrite(ctx, "put", l.breaker(), func(ctx context.Context) error { return s.send(ctx, l.names, p, l.entrance, l.token) })
	if err != nil {
		l.letGo()
	}
	return s.unlessShut(err)
}

// Release ends the lease without an entry, as far as Redis can be told: else it ends by itself.
func (l *lease) Release() {
	if l.Mine() && l.end() {
		l.letGo()
	}
}

// end makes sure that the lease is ended once only, and not kept up any longer.
func (l *lease) end() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.ended = true
	l.store.keeper.forget(l)
	return true
}

func (l *lease) letGo() {
	_ = l.store.do(context.Background(), "release", l.breaker(), func(ctx context.Context) error {
		return releaseScript.Run(ctx, l.store.client, []string{l.names.lease}, l.token, l.names.channel).Err()
	})
}

// Wait waits until it's worth looking again. It is woken by the holder's message. It looks itself only when the holder should have
// renewed the lease by then, and once after it has begun to listen, since the message may have come before.
func (l *lease) Wait(ctx context.Context) error {
	if l.Mine() {
		return nil
	}
	bell := l.store.waker.join(l.names.channel)
	defer l.store.waker.leave(bell)
	timer := time.NewTimer(l.left + graceful)
	defer timer.Stop()
	heard := bell.heard
	for {
		select {
		case <-bell.rung:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-l.store.closed:
			return errShut
		case <-heard:
			heard = nil
		case <-timer.C:
		}
		left, held, err := l.look(ctx)
		if err != nil || !held {
			return err
		}
		timer.Reset(left + graceful)
	}
}

// look tells whether the holder is still the same, and how long it can be so without news.
func (l *lease) look(ctx context.Context) (left time.Duration, held bool, err error) {
	err = l.store.do(ctx, "wait", l.breaker(), func(ctx context.Context) error {
		pipe := l.store.orderedPipeline()
		pttl, holder := pipe.PTTL(ctx, l.names.lease), pipe.Get(ctx, l.names.lease)
		err := execute(ctx, pipe)
		if err != nil {
			return err
		}
		if left, err = pttl.Result(); err != nil {
			return err
		}
		token, err := holder.Result()
		held = err == nil && token == l.holder && left >= 0
		return unlessNil(err)
	})
	return left, held, err
}
