package memory

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// heapInUse returns the bytes of live values on the heap.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // a second time: the first one may only have queued what pools and finalizers hold
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// shape is a kind of entries.
type shape struct {
	name string
	make func(i int) *cachestore.Entry
}

var shapes = []shape{
	{"tiny", func(i int) *cachestore.Entry { return entryOf(8) }},
	{"small", func(i int) *cachestore.Entry { return entryOf(100 + i%50) }},
	{"medium", func(i int) *cachestore.Entry { return entryOf(5_000 + i%1_000) }},
	{"large", func(i int) *cachestore.Entry { return entryOf(300_000 + i%1_000) }},
	{"mixed", func(i int) *cachestore.Entry { return entryOf([]int{10, 100, 1_000, 10_000, 100_000}[i%5]) }},
	{"own statements and tags", func(i int) *cachestore.Entry {
		content := contentOf(50)
		content.Tags = []uint64{uint64(i), 0, 0}
		content.Statement = cachestore.NewStatement(fmt.Sprintf("select * from t where id = %d", i), content.Tags)
		return cachestore.NewEntry(content)
	}},
	{"no rows", func(i int) *cachestore.Entry {
		return cachestore.NewEntry(cachestore.Content{ReadAt: time.Now(), Keep: time.Hour, Rows: rowset.Table([]string{"a", "b"}, nil)})
	}},
	{"from tiny to large", func(i int) *cachestore.Entry {
		if i < 10_000 {
			return entryOf(8)
		}
		return entryOf(250_000)
	}},
}

// TestStaysWithinLimit offers ten times the limit and compares what the heap has grown by with the limit. The slack is
// for what the runtime and the test itself allocate meanwhile; it doesn't grow with the limit.
func TestStaysWithinLimit(t *testing.T) {
	const limit, slack = 4 << 20, 64 << 10
	for _, shape := range shapes {
		t.Run(shape.name, func(t *testing.T) {
			before := heapInUse()
			s := New(limit)
			offer(t, s, shape, 10*limit)
			grown := heapInUse() - before
			stats := s.Stats()
			t.Logf("heap grew by %d bytes for a limit of %d: %+v", grown, limit, stats)
			if grown > limit+slack {
				t.Errorf("heap grew by %d bytes, the limit is %d", grown, limit)
			}
			if stats.Evicted == 0 || stats.Bytes < limit*85/100 {
				t.Errorf("the limit was not put to use: %+v", stats)
			}
			if grown < stats.Bytes*85/100 {
				t.Errorf("heap grew by %d bytes only, counted were %d", grown, stats.Bytes)
			}
			checkInvariants(t, s)
			runtime.KeepAlive(s)
		})
	}
}

// offer puts fresh entries of a shape until their sizes sum up to total. A third of them is read again, so that both
// queues fill.
func offer(t *testing.T, s *Store, shape shape, total int64) {
	for i, offered := 0, int64(0); offered < total; i++ {
		entry := shape.make(i)
		offered += entry.Size()
		put(t, s, keyOf(i), entry)
		if i%3 == 0 {
			get(t, s, keyOf(i))
		}
	}
}

// TestNeverExceedsLimit has many writers put large and small entries at once, while one goroutine watches the budget and
// readers keep everything popular. Whatever it sees must be within the limit.
func TestNeverExceedsLimit(t *testing.T) {
	const limit, writers, puts = 8 << 20, 32, 20
	s := New(limit)
	stop, watched := make(chan struct{}), make(chan int64)
	go func() {
		highest := int64(0)
		for {
			select {
			case <-stop:
				watched <- highest
				return
			default:
				highest = max(highest, s.budget.used.Load())
				runtime.Gosched()
			}
		}
	}()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range puts {
				entry := entryOf([]int{8, 500, 70_000, 1_500_000}[(w+i)%4])
				put(t, s, keyOf(w*puts+i), entry)
				for k := range 20 {
					get(t, s, keyOf(w*puts+i-k))
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	if highest := <-watched; highest > limit || highest < limit/2 {
		t.Errorf("%d bytes were in use at one moment, the limit is %d", highest, limit)
	}
	checkInvariants(t, s)
}

// TestTooLargeIsNotKept draws the line at a quarter of the limit, and has the entry that was there before go too: it is
// no longer what was last put.
func TestTooLargeIsNotKept(t *testing.T) {
	const limit = 1 << 20
	s := New(limit)
	put(t, s, keyOf(1), entryOf(limit/4-16_000))
	if get(t, s, keyOf(1)) == nil {
		t.Error("an entry of a little less than a quarter of the limit isn't kept")
	}
	put(t, s, keyOf(1), entryOf(limit/4))
	if get(t, s, keyOf(1)) != nil {
		t.Error("the old entry is still there after a larger one was put, or that one was kept")
	}
	if stats := s.Stats(); stats.Entries != 0 || stats.Evicted != 0 {
		t.Errorf("after dropping: %+v", stats)
	}
	checkInvariants(t, s)
}

// TestStatementsAreChargedOnce shows that what entries share is charged for each shard and not for each entry.
func TestStatementsAreChargedOnce(t *testing.T) {
	const entries = 10_000
	statement := cachestore.NewStatement(strings.Repeat("s", 10_000), nil)
	s := New(64 << 20)
	for i := range entries {
		content := contentOf(8)
		content.Statement = statement
		put(t, s, keyOf(i), cachestore.NewEntry(content))
	}
	if stats := s.Stats(); stats.Entries != entries || stats.Bytes > entries*1_000 {
		t.Errorf("%+v: a shared statement is charged to each entry", stats)
	}
}
