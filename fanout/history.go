package fanout

import (
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"
)

// History remembers how long queries took, so that the longest can be started
// first: with greedy workers that keeps the time of the whole near
// max(longest query, total/workers).
//
// A query is known by its SQL text and its Name; give queries that differ only
// in their parameters names if their durations differ. An estimate rises at
// once and falls slowly, because starting a long query late costs more than
// starting a short one early. Only complete answers are learned from.
//
// The zero value is ready; all methods may be called concurrently. Memory is
// bounded: it holds the 2,048 to 4,096 queries seen last, as numbers, not texts.
type History struct {
	mu         sync.Mutex
	young, old map[uint64]time.Duration // a full young becomes old, and old is forgotten
}

const generation = 2048

// processHistory serves every Group that has none of its own.
var processHistory History

var historySeed = maphash.MakeSeed()

// Expect returns how long a query is expected to take, and whether it is known.
func (h *History) Expect(name, sql string) (time.Duration, bool) {
	key := historyKey(name, sql)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.look(key)
}

// Note adds one observation. Runs do so by themselves; it is exported for
// estimates that are known from elsewhere, such as an earlier process.
func (h *History) Note(name, sql string, took time.Duration) {
	key := historyKey(name, sql)
	h.mu.Lock()
	defer h.mu.Unlock()
	if before, known := h.look(key); known && took < before {
		took = before - (before-took)/4
	}
	if len(h.young) >= generation {
		h.young, h.old = nil, h.young
	}
	if h.young == nil {
		h.young = make(map[uint64]time.Duration)
	}
	h.young[key] = took
}

func (h *History) look(key uint64) (time.Duration, bool) {
	if d, ok := h.young[key]; ok {
		return d, true
	}
	d, ok := h.old[key]
	return d, ok
}

// order lists the tasks' indexes, longest expected first. An unknown query goes
// before all known ones: it may be the longest, and started early it can't be
// the one that everybody waits for. Equals keep the order asked.
func (h *History) order(tasks []Task) []int {
	expected := make([]time.Duration, len(tasks))
	order := make([]int, len(tasks))
	for i := range tasks {
		order[i] = i
		d, known := h.Expect(tasks[i].name, tasks[i].sql)
		if !known {
			d = math.MaxInt64
		}
		expected[i] = d
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case expected[a] > expected[b]:
			return -1
		case expected[a] < expected[b]:
			return 1
		}
		return 0
	})
	return order
}

// historyKey stands for a query. Two queries that collide only share an estimate.
func historyKey(name, sql string) uint64 {
	type identity struct{ name, sql string }
	return maphash.Comparable(historySeed, identity{name, sql})
}
