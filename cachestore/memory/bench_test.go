package memory

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

const benchKeys = 1 << 16

// filled returns a store with benchKeys entries and their keys.
func filled(b *testing.B) (*Store, []cachestore.Key) {
	s, keys := New(1<<30), make([]cachestore.Key, benchKeys)
	for i := range keys {
		keys[i] = keyOf(i)
		put(b, s, keys[i], entryOf(100))
	}
	return s, keys
}

// spread runs hit b.N times in all, spread over goroutines.
func spread(b *testing.B, goroutines int, hit func(random uint64)) {
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			random := rand.Uint64()
			for range b.N/goroutines + 1 {
				random = random*6364136223846793005 + 1442695040888963407
				hit(random >> 32)
			}
		})
	}
	wg.Wait()
}

func BenchmarkGetHit(b *testing.B) {
	s, keys := filled(b)
	ctx := b.Context()
	for _, goroutines := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("all keys/%d", goroutines), func(b *testing.B) {
			spread(b, goroutines, func(random uint64) {
				if entry, _ := s.Get(ctx, keys[random%benchKeys]); entry == nil {
					b.Error("missed")
				}
			})
		})
		b.Run(fmt.Sprintf("one key/%d", goroutines), func(b *testing.B) {
			spread(b, goroutines, func(uint64) {
				if entry, _ := s.Get(ctx, keys[0]); entry == nil {
					b.Error("missed")
				}
			})
		})
	}
}

func BenchmarkGetMiss(b *testing.B) {
	s, _ := filled(b)
	key, ctx := keyOf(-1), b.Context()
	spread(b, 8, func(uint64) { _, _ = s.Get(ctx, key) })
}

// BenchmarkPutChurn puts ever new keys into a full store, so each put drives out an entry.
func BenchmarkPutChurn(b *testing.B) {
	for _, goroutines := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			s, entry, ctx := New(16<<20), entryOf(100), b.Context()
			spread(b, goroutines, func(random uint64) {
				var key cachestore.Key
				for i := range 4 {
					key[i], key[8+i] = byte(random>>(8*i)), byte(random>>(8*i+4))
				}
				_ = s.Put(ctx, key, entry)
			})
		})
	}
}

// BenchmarkBytesPerEntry reports what 200,000 small entries take on the heap: in all, and what the store adds to them.
// One collection of a heap full of them is timed too.
func BenchmarkBytesPerEntry(b *testing.B) {
	const entries = 200_000
	for b.Loop() {
		before := heapInUse()
		all := make([]*cachestore.Entry, entries)
		for i := range all {
			all[i] = entryOf(16)
		}
		alone := heapInUse() - before
		s := New(1 << 30)
		for i, entry := range all {
			put(b, s, keyOf(i), entry)
		}
		with := heapInUse() - before
		start := time.Now()
		runtime.GC()
		b.ReportMetric(time.Since(start).Seconds()*1000, "ms/GC")
		b.ReportMetric(float64(with-8*entries)/entries, "B/entry")
		b.ReportMetric(float64(with-alone)/entries, "B/entry-added")
		runtime.KeepAlive(all)
		runtime.KeepAlive(s)
	}
}
