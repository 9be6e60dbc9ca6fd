package cachestore_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/memory"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// counting is a store of one's own: another one that also counts what is found. driver.WithStore has a database keep its
// entries in it, and storetest.Exercise checks that it does what a store must.
type counting struct {
	cachestore.Store
	found atomic.Int64
}

func (s *counting) Get(ctx context.Context, key cachestore.Key) (*cachestore.Entry, error) {
	entry, err := s.Store.Get(ctx, key)
	if entry != nil {
		s.found.Add(1)
	}
	return entry, err
}

func ExampleStore() {
	store := &counting{Store: memory.New(1 << 20)}
	defer store.Close()
	ctx := context.Background()

	entry := cachestore.NewEntry(cachestore.Content{
		Rows:   rowset.Table([]string{"name"}, [][]string{{"teapot"}, {"cup"}}),
		ReadAt: time.Now(),
		Keep:   time.Minute,
	})
	if err := store.Put(ctx, cachestore.Key{1}, entry); err != nil {
		fmt.Println(err)
	}
	for i := range 3 {
		entry, err := store.Get(ctx, cachestore.Key{byte(i)})
		fmt.Println(entry != nil, err)
	}
	fmt.Println(store.found.Load(), "found")
	// Output:
	// false <nil>
	// true <nil>
	// false <nil>
	// 1 found
}
