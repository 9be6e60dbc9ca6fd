package memory

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

func TestHitAllocatesNothing(t *testing.T) {
	s, key, ctx := New(1<<20), keyOf(1), t.Context()
	put(t, s, key, entryOf(100))
	hit := testing.AllocsPerRun(1000, func() {
		if entry, err := s.Get(ctx, key); entry == nil || err != nil {
			t.Fatal("no hit")
		}
	})
	if hit != 0 {
		t.Errorf("a hit allocates %v times", hit)
	}
}

// TestHitIsTheEntryThatWasPut shows that nothing is copied.
func TestHitIsTheEntryThatWasPut(t *testing.T) {
	s, entry := New(1<<20), entryOf(100)
	put(t, s, keyOf(1), entry)
	if got := get(t, s, keyOf(1)); got != entry {
		t.Errorf("got %p, put %p", got, entry)
	}
}

// TestGrowingIndexHidesNothing reads a few keys all the time while others are put by the thousand. A reader must find
// its keys through every resize of the index.
func TestGrowingIndexHidesNothing(t *testing.T) {
	const kept, passing = 50, 20_000
	s := New(64 << 20)
	for i := range kept {
		put(t, s, keyOf(i), entryOf(8))
	}
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if get(t, s, keyOf(i%kept)) == nil {
					t.Errorf("key %d is gone", i%kept)
					return
				}
			}
		})
	}
	for w := range 2 {
		writers.Go(func() {
			for i := range passing {
				put(t, s, keyOf(kept+w*passing+i), entryOf(8))
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	if stats := s.Stats(); stats.Entries != kept+2*passing || stats.Evicted != 0 {
		t.Errorf("not all was kept: %+v", stats)
	}
	checkInvariants(t, s)
}

// TestMissWaitsForResize takes the index away while it holds the lock, as a resize does to a reader, and gives it back.
func TestMissWaitsForResize(t *testing.T) {
	s, key := New(1<<20), keyOf(1)
	put(t, s, key, entryOf(8))
	sh := s.shard(hashOf(&key))
	for range 1000 {
		found := make(chan bool)
		sh.mu.Lock()
		whole := sh.index.table.Swap(newTable(minBuckets))
		go func() { found <- get(t, s, key) != nil }()
		runtime.Gosched()
		sh.index.table.Store(whole)
		sh.mu.Unlock()
		if !<-found {
			t.Fatal("a reader missed an entry while the index was being resized")
		}
	}
}

// TestDropLeavesReplacement: a reader that saw an expired entry must not drop the one that has come in its place, nor
// count bytes twice that an eviction has freed.
func TestDropLeavesReplacement(t *testing.T) {
	s, key, old, fresh := New(1<<20), keyOf(1), entryOf(8), entryOf(8)
	put(t, s, key, old)
	sh := s.shard(hashOf(&key))
	n := sh.find(hashOf(&key), &key)
	put(t, s, key, fresh)
	if free := sh.drop(n, old); free != 0 || get(t, s, key) != fresh {
		t.Errorf("dropping an entry that was replaced freed %d bytes", free)
	}
	freed, _ := sh.evict(s.expired, true)
	s.budget.release(freed)
	if free := sh.drop(n, fresh); free != 0 {
		t.Errorf("dropping an entry that was evicted freed %d bytes", free)
	}
	checkInvariants(t, s)
}

// TestKeyThatComesBackStartsInMain: a key that left the small queue not long ago is remembered.
func TestKeyThatComesBackStartsInMain(t *testing.T) {
	s, key := New(1<<20), keyOf(1)
	sh, hash := s.shard(hashOf(&key)), hashOf(&key)
	put(t, s, key, entryOf(8))
	if sh.find(hash, &key).state.Load()&inMain != 0 {
		t.Error("a key that was never seen starts in the main queue")
	}
	freed, _ := s.evict(false)
	s.budget.release(freed)
	sh.index.resize(4 * minBuckets) // the memory must survive that the index grows and shrinks
	sh.index.resize(minBuckets)
	put(t, s, key, entryOf(8))
	if sh.find(hash, &key).state.Load()&inMain == 0 {
		t.Error("a key that comes back starts in the small queue")
	}
}

// TestChurn lets everything happen at once, with the race detector as the judge, and recounts at the end.
func TestChurn(t *testing.T) {
	const goroutines, rounds, keys = 8, 3_000, 500
	var mu sync.Mutex
	now := time.Now()
	s := New(300_000, WithClock(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}))
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				key := keyOf((i*7 + g*13) % keys)
				switch {
				case i%1000 == 999 && g == 0:
					_ = s.Clear(context.Background())
				case i%100 == 99:
					mu.Lock()
					now = now.Add(10 * time.Minute)
					mu.Unlock()
				case i%3 == 0:
					put(t, s, key, entryOf(i%5_000))
				default:
					get(t, s, key)
				}
				if stats := s.Stats(); stats.Bytes > 300_000 || stats.Entries < 0 {
					t.Errorf("%+v", stats)
					return
				}
			}
		})
	}
	wg.Wait()
	checkInvariants(t, s)
}

// TestPutAndCloseAtOnce shows that no put slips into a store that is being closed.
func TestPutAndCloseAtOnce(t *testing.T) {
	for range 200 {
		s := New(1 << 20)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() { put(t, s, keyOf(i), entryOf(100)) })
		}
		wg.Go(func() { _ = s.Close() })
		wg.Wait()
		if stats := s.Stats(); stats.Entries != 0 || stats.Bytes != 0 {
			t.Fatalf("after Close: %+v", stats)
		}
	}
}

// TestExpiredEntriesFreeTheirMemory shows the three ways: asked for, a neighbour put, and room needed.
func TestExpiredEntriesFreeTheirMemory(t *testing.T) {
	now := time.Now()
	fill := func() *Store {
		s := New(1<<20, WithClock(func() time.Time { return now }))
		for i := range 20 {
			put(t, s, keyOf(i), readAt(now, 40_000))
		}
		if stats := s.Stats(); stats.Entries != 20 {
			t.Fatalf("before they expire: %+v", stats)
		}
		now = now.Add(2 * time.Hour)
		return s
	}
	tests := []struct {
		name string
		do   func(s *Store)
	}{
		{"asked for", func(s *Store) {
			for i := range 20 {
				get(t, s, keyOf(i))
			}
		}},
		{"neighbours put", func(s *Store) {
			for i := range 20 {
				put(t, s, keyOf(100+i), cachestore.NewEntry(cachestore.Content{ReadAt: now, Keep: time.Hour}))
			}
		}},
		{"room needed", func(s *Store) {
			for i := range 6 {
				put(t, s, keyOf(100+i), readAt(now, 200_000))
			}
			if stats := s.Stats(); stats.Entries > 6 || stats.Bytes < 800_000 {
				t.Errorf("expired entries are in the way: %+v", stats)
			}
			if err := s.Clear(t.Context()); err != nil {
				t.Error(err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := fill()
			test.do(s)
			if stats := s.Stats(); stats.Bytes > 40_000 {
				t.Errorf("%+v", stats)
			}
			checkInvariants(t, s)
		})
	}
}

// TestPopularStoreStillGivesRoom has readers bump every entry while a writer needs room: patience must end.
func TestPopularStoreStillGivesRoom(t *testing.T) {
	s := New(100_000)
	for i := range 100 {
		put(t, s, keyOf(i), entryOf(100))
	}
	for i := range s.shards {
		for n := s.shards[i].small.head; n != nil; n = n.next {
			n.state.Store(hitBits)
		}
	}
	freed := int64(0)
	for spared := 0; freed == 0; spared++ {
		for i := range 100 {
			get(t, s, keyOf(i))
		}
		if freed, _ = s.evict(spared >= patience); spared > patience {
			t.Fatal("nothing was given up")
		}
	}
	s.budget.release(freed)
	checkInvariants(t, s)
}
