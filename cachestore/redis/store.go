package redis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/cachestore"
)

var (
	_ cachestore.Store  = (*Store)(nil)
	_ cachestore.Lessor = (*Store)(nil)
	_ cachestore.Ledger = (*Store)(nil)
)

// Store keeps entries in Redis. All methods are safe for concurrent use.
type Store struct {
	client   goredis.UniversalClient
	cluster  bool // commands of one pipeline may be run in another order
	names    *names
	envelope envelope
	secrets  []string // never to be shown
	timeout  time.Duration
	guard    *guard
	keeper   keeper
	waker    *waker

	closing sync.Once
	closed  chan struct{}
	isShut  atomic.Bool
}

// Open returns a store for the Redis that the configuration names. It makes no connection: a Redis that isn't there is found by
// the operations.
func Open(c Config) (*Store, error) {
	t, err := parseURL(c.URL)
	if err != nil {
		return nil, err
	}
	var key []byte
	if c.KeyFile != "" {
		if key, err = readKey(c.KeyFile); err != nil {
			return nil, err
		}
	}
	envelope, err := newEnvelope(key)
	if err != nil {
		return nil, err
	}
	client, err := newClient(t, c.TLS, c.timeout())
	if err != nil {
		return nil, err
	}
	s := &Store{
		client: client, cluster: t.cluster, names: newNames(c.Namespace, c.Scope), envelope: envelope,
		secrets: []string{t.password, t.sentinelPassword},
		timeout: c.timeout(), guard: newGuard(c.timeout(), c.logger(), t.cluster), closed: make(chan struct{}),
	}
	if cluster, ok := client.(*goredis.ClusterClient); ok {
		s.guard.failed = func() { cluster.ReloadState(context.Background()) } // else it is known only a minute later who is the master
	}
	s.keeper.store = s
	s.waker = newWaker(client, s.timeout)
	return s, nil
}

// Get returns the entry that was last put under key, or nil when there is none. What was damaged on its way is no entry.
//
// The entry's ReadAt is at most a few milliseconds and the time of two round trips earlier than it was, and never later.
func (s *Store) Get(ctx context.Context, key cachestore.Key) (*cachestore.Entry, error) {
	var f fetched
	asked, names := time.Now(), s.names.entry(key)
	err := s.do(ctx, "get", s.guard.entries[names.slots], func(ctx context.Context) error {
		pipe := s.orderedPipeline()
		queued := s.queueFetch(ctx, pipe, names)
		err := execute(ctx, pipe)
		if err == nil {
			f, err = queued.result()
		}
		return err
	})
	if err != nil {
		return nil, s.unlessShut(err)
	}
	return s.decode(f, asked), nil
}

// Put keeps entry under key. Redis may drop it, and so does the store if other processes could not read it. An error may leave
// the entry before, or this one.
func (s *Store) Put(ctx context.Context, key cachestore.Key, entry *cachestore.Entry) error {
	p := s.pack(entry)
	names := s.names.entry(key)
	if p == nil {
		s.guard.counts.dropped.Add(1)
		return s.unlessShut(s.do(ctx, "put", s.guard.entries[names.slots], func(ctx context.Context) error {
			return s.client.Unlink(ctx, names.value).Err()
		}))
	}
	return s.unlessShut(s.doWrite(ctx, "put", s.guard.entries[names.slots], func(ctx context.Context) error {
		entry, err := s.enter(ctx, names)
		if err != nil {
			return err
		}
		return s.send(ctx, names, p, entry, "")
	}))
}

// Clear makes every entry of the namespace unreachable, whoever put it, and whatever is being put by those who began before: it
// removes the epochs under which they are put. It looks at no entry, so Redis keeps their memory until their time is over. Entries
// of other versions of the format stay.
func (s *Store) Clear(ctx context.Context) error {
	return s.unlessShut(s.do(ctx, "clear", s.guard.ledger, func(ctx context.Context) error {
		_, err := s.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for _, epoch := range s.names.epochs() {
				pipe.Del(ctx, epoch)
			}
			return nil
		})
		return err
	}))
}

// Stats counts nothing: what is kept is not this process's alone, and can't be counted without looking at every key in Redis.
func (s *Store) Stats() cachestore.Stats { return cachestore.Stats{} }

// Counters are what has happened since Open.
type Counters struct {
	Failed  int64 // operations that Redis failed or didn't answer in time
	Refused int64 // writes that Redis refused, as it does when its memory is full
	Skipped int64 // operations that were not tried, because those before them failed
	Damaged int64 // values found that were no entries
	Dropped int64 // entries not stored, since no other process could read them, or since they were too large or too old
}

// Counters tells what has happened.
func (s *Store) Counters() Counters {
	c := &s.guard.counts
	return Counters{
		Failed: c.failed.Load(), Refused: c.refused.Load(), Skipped: c.skipped.Load(),
		Damaged: c.damaged.Load(), Dropped: c.dropped.Load(),
	}
}

// Close gives up the leases that are held, closes all connections and stops whatever runs in the background. The entries stay:
// they are not this process's alone.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		s.keeper.close()
		s.isShut.Store(true)
		close(s.closed)
		s.waker.close()
		err = s.client.Close()
	})
	return err
}

// do runs an operation under one of the guard's breakers and explains its error.
func (s *Store) do(ctx context.Context, operation string, b *breaker, f func(ctx context.Context) error) error {
	return s.explained(ctx, operation, func() error { return s.guard.run(ctx, b, f) })
}

// doWrite is do for what Redis may refuse when it is full.
func (s *Store) doWrite(ctx context.Context, operation string, b *breaker, f func(ctx context.Context) error) error {
	return s.explained(ctx, operation, func() error { return s.guard.runWrite(ctx, b, f) })
}

func (s *Store) explained(ctx context.Context, operation string, run func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.isShut.Load() {
		return errShut
	}
	err := run()
	switch {
	case err == nil, errors.Is(err, ErrUnavailable):
		return err
	case s.isShut.Load():
		return errShut
	}
	explained := s.fail(ctx, operation, err)
	if ended(ctx) == nil {
		s.guard.log(ctx, explained)
	}
	return explained
}

// errShut is the error of operations of a closed store.
var errShut = &failure{operation: "closed store", err: ErrUnavailable, text: ErrUnavailable.Error()}

// unlessShut turns the error of a closed store into none, for the methods for which that is no failure.
func (s *Store) unlessShut(err error) error {
	if errors.Is(err, errShut) {
		return nil
	}
	return err
}
