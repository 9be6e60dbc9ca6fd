package memory

import (
	"container/list"
	"math/rand/v2"
	"testing"
)

// workload is a stream of requests, each for one of a number of keys. Keys from scanned on are asked for by scans.
type workload func() int

const scanned = 1 << 40

// zipf asks for key k with a probability that falls with the power s of k.
func zipf(keys int, s float64) workload {
	z := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), s, 1, uint64(keys-1))
	return func() int { return int(z.Uint64()) }
}

// withScans interrupts w after every period requests by a scan over length keys that nobody else asks for.
func withScans(w workload, period, length int) workload {
	requests, left, next := 0, 0, scanned
	return func() int {
		if left > 0 {
			left, next = left-1, next+1
			return next
		}
		if requests++; requests%period == 0 {
			left = length
		}
		return w()
	}
}

// hitRatio sends requests of w to a cache and returns the ratio of hits once it is warm, scans left out.
func hitRatio(w workload, requests int, hit func(key int) bool) float64 {
	hits, asked := 0, 0
	for i := range requests {
		key := w()
		found := hit(key)
		if i < requests/4 || key >= scanned {
			continue
		}
		asked++
		if found {
			hits++
		}
	}
	return float64(hits) / float64(asked)
}

// storeOf returns a look-up in a Store that has room for capacity entries of size bytes, and puts what is missing.
func storeOf(t *testing.T, capacity, size int) func(key int) bool {
	const indexBytes = 20 // a node's share of the index, about
	sample := entryOf(size)
	own, _ := sizesOf(sample)
	s := New(int64(capacity)*(own+indexBytes) + 64<<10)
	return func(k int) bool {
		key := keyOf(k)
		if get(t, s, key) != nil {
			return true
		}
		put(t, s, key, sample)
		return false
	}
}

// lruOf returns a look-up in a plain LRU cache of capacity entries, for comparison.
func lruOf(capacity int) func(key int) bool {
	order, places := list.New(), map[int]*list.Element{}
	return func(key int) bool {
		if place := places[key]; place != nil {
			order.MoveToFront(place)
			return true
		}
		places[key] = order.PushFront(key)
		if order.Len() > capacity {
			delete(places, order.Remove(order.Back()).(int))
		}
		return false
	}
}

// idealOf returns a look-up in a cache that knows beforehand which keys are the most popular ones.
func idealOf(capacity int) func(key int) bool {
	return func(key int) bool { return key < capacity }
}

// TestHitRatio holds the store against the ideal, and against LRU where scans go through it.
func TestHitRatio(t *testing.T) {
	for _, test := range []struct {
		name           string
		capacity, size int
		exponent       float64
		scans          bool
		ofIdeal        float64 // the least ratio to the ideal's hit ratio
		overLRU        float64 // the least ratio to LRU's hit ratio
	}{
		{"small entries", 5_000, 100, 1.01, false, 0.95, 1.05},
		{"small entries, steep", 5_000, 100, 1.2, false, 0.97, 1.01},
		{"small entries, scans", 5_000, 100, 1.01, true, 0.90, 1.2},
		{"medium entries", 1_000, 10_000, 1.01, false, 0.94, 1.05},
		{"medium entries, scans", 1_000, 10_000, 1.01, true, 0.92, 1.3},
		{"few large entries", 64, 1 << 20, 1.01, false, 0.80, 1},
		{"few large entries, scans", 64, 1 << 20, 1.01, true, 0.80, 1.4},
	} {
		t.Run(test.name, func(t *testing.T) {
			requests := 40*test.capacity + 50_000
			run := func(hit func(int) bool) float64 {
				w := zipf(10*test.capacity, test.exponent)
				if test.scans {
					w = withScans(w, test.capacity, test.capacity)
				}
				return hitRatio(w, requests, hit)
			}
			got, lru, ideal := run(storeOf(t, test.capacity, test.size)), run(lruOf(test.capacity)), run(idealOf(test.capacity))
			t.Logf("store %.3f, LRU %.3f, ideal %.3f", got, lru, ideal)
			if got < ideal*test.ofIdeal {
				t.Errorf("hit ratio %.3f is below %.2f of the ideal %.3f", got, test.ofIdeal, ideal)
			}
			if got < lru*test.overLRU {
				t.Errorf("hit ratio %.3f is below %.2f times LRU's %.3f", got, test.overLRU, lru)
			}
		})
	}
}
