package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/dsn"
)

const (
	byKey   = "select id, owner, since from many where id = $1"
	byRange = "select id, owner, since from many where id between $1 and $1 + 99"
)

// fillers is how many ask at once while the store is filled.
const fillers = 8

// What an entry may take is so many times its bytes on the wire, and so much more.
const (
	aimTimes = 1.15
	aimMore  = 200
)

// store is a cache with a memory of its own, and how many small results are asked for.
type store struct {
	fleet.DB

	entries int
	limit   int64 // of the store, in bytes
}

func open(f *fleet.Fleet, size string, entries int) (*store, error) {
	config, err := dsn.Parse("pgcache_memory=" + size)
	if err != nil {
		return nil, err
	}
	db, err := f.Open(url.Values{"pgcache_feed": {"none"}, "pgcache_memory": {size}, "pgcache_rule": {"all: * ttl=24h"}})
	return &store{db, entries, config.Memory}, err
}

// ask gives what asks for the results of a query and reads all rows.
func (s *store) ask(ctx context.Context, query string) func(id int) error {
	var id int64
	var owner string
	var since time.Time
	into := []any{&id, &owner, &since}
	return func(key int) error {
		rows, err := s.QueryContext(ctx, query, int64(key))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}

// fill has every small result in the store.
func (s *store) fill(ctx context.Context) error {
	if err := s.askAll(ctx, byKey, s.entries, func() bool { return false }); err != nil {
		return err
	}
	if held := s.Connector.Stats(); held.Entries != int64(s.entries) {
		return fmt.Errorf("of %d results %d are kept", s.entries, held.Entries)
	}
	return nil
}

// askAll asks for so many results, or until there are enough.
func (s *store) askAll(ctx context.Context, query string, count int, enough func() bool) error {
	var group errgroup.Group
	var next atomic.Int64
	var done atomic.Bool
	for range fillers {
		group.Go(func() error {
			ask := s.ask(ctx, query)
			for key := next.Add(1); key <= int64(count) && !done.Load(); key = next.Add(1) {
				if key%100 == 0 && enough() {
					done.Store(true)
				}
				if key%10_000 == 0 {
					fmt.Fprintf(os.Stderr, "\r%d of at most %d asked for", key, count)
				}
				if err := ask(int(key)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	return err
}

// weigh fills the store with small results, and tells what one takes.
func (s *store) weigh(ctx context.Context, wire float64) error {
	if err := s.ask(ctx, byKey)(1); err != nil { // what the first query makes is no entry's
		return err
	}
	before := liveHeap()
	if err := s.fill(ctx); err != nil {
		return err
	}
	grown := float64(liveHeap()) - float64(before)
	n := float64(s.entries - 1)
	fmt.Printf("| entries | heap per entry | as the store counts | on the wire | heap beyond %.2f times the wire | aim |\n", aimTimes)
	fmt.Println("|---:|---:|---:|---:|---:|---:|")
	fmt.Printf("| %d | %.1f B | %.1f B | %.1f B | %.1f B | %d B |\n", s.entries, grown/n,
		float64(s.Connector.Stats().Bytes)/float64(s.entries), wire, grown/n-aimTimes*wire, aimMore)
	return nil
}

// fillUp adds larger results until the store is as good as full, so that it has given nothing up.
func (s *store) fillUp(ctx context.Context) error {
	return s.askAll(ctx, byRange, s.entries-100, func() bool { return s.Connector.Stats().Bytes >= s.limit*98/100 })
}

// liveHeap is what is reachable.
func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // and what was kept by pools
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
