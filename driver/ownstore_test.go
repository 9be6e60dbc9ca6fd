package driver

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/memory"
)

// ownStore is a store of the user's own: it calls put, if there is one, whenever an entry is put.
type ownStore struct {
	*memory.Store
	put atomic.Pointer[func() error]
}

func (s *ownStore) Put(ctx context.Context, key cachestore.Key, e *cachestore.Entry) error {
	if put := s.put.Load(); put != nil {
		if err := (*put)(); err != nil {
			return err
		}
	}
	return s.Store.Put(ctx, key, e)
}

func withOwnStore(t *testing.T, params ...string) (*fixture, *ownStore) {
	t.Helper()
	f, s := newFixture(t), &ownStore{Store: memory.New(1 << 20)}
	f.DB, f.connector = f.openWith([]Option{WithStore(s)}, append(params, "rule=all: * ttl=1h")...)
	return f, s
}

// A store that fails, or panics, costs the hits and nothing else.
func TestOwnStoreThatFails(t *testing.T) {
	for name, put := range map[string]func() error{
		"an error": func() error { return errors.New("full") },
		"a panic":  func() error { panic("full") },
	} {
		t.Run(name, func(t *testing.T) {
			f, s := withOwnStore(t)
			f.caches(balanceOf, 1)
			s.put.Store(&put)
			f.isNoHit(balanceOf, 2)
			f.isNoHit(balanceOf, 2)
			f.isHit(balanceOf, 1)
			if n := f.connector.Stats().StoreErrors; n != 2 {
				t.Errorf("%d errors of the store were counted, not 2", n)
			}
			s.put.Store(nil)
			f.caches(balanceOf, 2)
		})
	}
}

// A store that takes its time holds up neither the feed nor those who are told by it that their result may be kept.
func TestSlowOwnStoreWhileTracked(t *testing.T) {
	f, s := withOwnStore(t, "feed=wal")
	f.follows()
	f.kept(balanceOf, 1)
	started, goOn := make(chan struct{}, maxPutting), make(chan struct{})
	put := func() error {
		started <- struct{}{}
		<-goOn // at most maxPutting at a time
		return nil
	}
	s.put.Store(&put)
	f.want(balanceOf, 2)
	<-started
	f.exec(f.plain, "update accounts set balance = 1 where id = 1")
	f.eventually("the new balance", func() bool { return f.read(f.DB, balanceOf, 1) == "1" })
	close(goOn)
	f.kept(balanceOf, 2)
}
