package redis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// One Cluster of three masters with a replica each. The last test takes away a master.
func TestCluster(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cluster, err := testenv.StartRedisCluster(ctx, testenv.Options{}, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		name string
		run  func(*testing.T, *testenv.RedisCluster)
	}{
		{"contract", clusterContract},
		{"slots", clusterSlots},
		{"leases", clusterLeases},
		{"ledger", clusterLedger},
		{"slots move under load", clusterReshard},
		{"a master dies under load", clusterFailover},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, cluster) })
	}
}

// clusterContract is what differs in a Cluster from one Redis: the whole contract is tested there.
func clusterContract(t *testing.T, cluster *testenv.RedisCluster) {
	a, b := open(t, Config{URL: cluster.URL()}), open(t, Config{URL: cluster.URL()})
	large := strings.Repeat("x", 1<<20)
	put(t, a, keyOf(0), large)
	want(t, b, keyOf(0), large)
	for _, text := range []string{"old", "new"} {
		for i := range 100 {
			put(t, a, keyOf(i), text+fmt.Sprint(i))
		}
	}
	for i := range 100 {
		want(t, b, keyOf(i), fmt.Sprint("new", i))
		want(t, b, keyOf(1000+i), "")
	}
	if err := b.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		want(t, a, keyOf(i), "")
	}
	put(t, a, keyOf(1), "one")
	want(t, b, keyOf(1), "one")
}

func clusterLeases(t *testing.T, cluster *testenv.RedisCluster) {
	a, b := open(t, Config{URL: cluster.URL()}), open(t, Config{URL: cluster.URL()})
	for i := range 20 {
		held := takeLease(t, a, keyOf(i))
		other := takeLease(t, b, keyOf(i))
		if !held.Mine() || other.Mine() {
			t.Fatal("the lease isn't the first one's alone")
		}
		done := waiting(t, b, other)
		mustPut(t, held, fmt.Sprint(i))
		wantWoken(t, done, quick)
		want(t, b, keyOf(i), fmt.Sprint(i))
	}
}

func clusterLedger(t *testing.T, cluster *testenv.RedisCluster) {
	a, b := open(t, Config{URL: cluster.URL()}), open(t, Config{URL: cluster.URL()})
	tags := []uint64{1, 2, 3, 4, 5, 6, 7, 8}
	before, _ := readMark(t, a, tags...)
	put(t, a, keyOf(1), "one")
	for _, all := range []bool{false, true} {
		for _, tag := range tags {
			begin(t, b, "w", all, tag)
			entry, mark, quiet, err := a.GetMarked(t.Context(), keyOf(1), tags)
			if err != nil || quiet || mark == before || textOf(entry) != "one" {
				t.Fatalf("entry %q, quiet %t, same mark %t, error %v", textOf(entry), quiet, mark == before, err)
			}
			end(t, b, "w", all, tag)
			after, quiet := readMark(t, a, tags...)
			if !quiet || after == before || after == mark {
				t.Fatalf("after the write: quiet %t, same mark as before %t, as while %t", quiet, after == before, after == mark)
			}
			before = after
		}
	}
}

// load has many readers and writers of a few keys, each of whose entries says under which key it was put.
type load struct {
	store   *Store
	good    atomic.Int64 // operations without an error
	failed  atomic.Int64
	wrong   atomic.Pointer[string]
	stop    chan struct{}
	running sync.WaitGroup
}

func startLoad(s *Store) *load {
	l := &load{store: s, stop: make(chan struct{})}
	for range 6 {
		l.running.Go(l.run)
	}
	return l
}

func (l *load) run() {
	tags := []uint64{1, 2, 3}
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		n := rand.IntN(40)
		var err error
		switch rand.IntN(4) {
		case 0:
			err = l.store.Put(context.Background(), keyOf(n), entryOf(fmt.Sprint(n)))
		case 1:
			err = l.ledger(uint64(n))
		case 2:
			var entry *cachestore.Entry
			entry, _, _, err = l.store.GetMarked(context.Background(), keyOf(n), tags)
			l.check(n, entry)
		default:
			var entry *cachestore.Entry
			entry, err = l.store.Get(context.Background(), keyOf(n))
			l.check(n, entry)
		}
		if err == nil {
			l.good.Add(1)
		} else {
			l.failed.Add(1)
			l.askPostgreSQL()
		}
	}
}

// askPostgreSQL is what a caller does who got no answer: it takes a moment.
func (l *load) askPostgreSQL() {
	select {
	case <-l.stop:
	case <-time.After(10 * time.Millisecond):
	}
}

func (l *load) check(n int, entry *cachestore.Entry) {
	if entry != nil && textOf(entry) != fmt.Sprint(n) {
		text := fmt.Sprintf("key %d gave %q", n, textOf(entry))
		l.wrong.Store(&text)
	}
}

// ledger writes to a tag of its own: the mark must be another one while it does so, and another one afterwards.
func (l *load) ledger(tag uint64) error {
	ctx, s := context.Background(), l.store
	tag = 1000*tag + rand.Uint64N(1000)
	before, _, err := s.Read(ctx, []uint64{tag})
	if err != nil {
		return err
	}
	if err := s.Begin(ctx, "w", []uint64{tag}, false); err != nil {
		return err
	}
	while, _, err := s.Read(ctx, []uint64{tag})
	if err != nil {
		return err
	}
	if err := s.End(ctx, "w", []uint64{tag}, false); err != nil {
		return err
	}
	after, _, err := s.Read(ctx, []uint64{tag})
	if err == nil && (before == while || while == after || before == after) {
		text := fmt.Sprintf("marks before, while and after a write: %x, %x, %x", before, while, after)
		l.wrong.Store(&text)
	}
	return err
}

// more waits until so many further operations went well.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	enough := l.good.Load() + n
	eventually(t, fmt.Sprintf("%d more operations went well", n), func() bool { return l.good.Load() >= enough })
}

func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.running.Wait()
	if wrong := l.wrong.Load(); wrong != nil {
		t.Error(*wrong)
	}
	t.Logf("%d operations went well, %d failed", l.good.Load(), l.failed.Load())
}

// A Cluster agrees with us about the slot of a bucket.
func clusterSlots(t *testing.T, cluster *testenv.RedisCluster) {
	redis := raw(t, cluster.Nodes[0].URL())
	for _, number := range []int{0, 1, 511, 1023} {
		slot, err := redis.ClusterKeySlot(t.Context(), bucketName(number)).Result()
		if err != nil || slot*ranges/16384 != int64(slotsOf[number]) {
			t.Errorf("bucket %d is in slot %d, not in range %d; %v", number, slot, slotsOf[number], err)
		}
	}
}

func clusterReshard(t *testing.T, cluster *testenv.RedisCluster) {
	s := open(t, Config{URL: cluster.URL(), Timeout: time.Second})
	l := startLoad(s)
	l.more(t, 200)
	for _, move := range [][2]int{{0, 1}, {1, 2}} {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		if err := cluster.Reshard(ctx, 40, cluster.Nodes[move[0]], cluster.Nodes[move[1]]); err != nil {
			t.Error(err)
		}
		cancel()
		l.more(t, 200)
	}
	l.end(t)
	for i := range 40 {
		put(t, s, keyOf(i), fmt.Sprint(i))
		want(t, s, keyOf(i), fmt.Sprint(i))
	}
}

func clusterFailover(t *testing.T, cluster *testenv.RedisCluster) {
	s := open(t, Config{URL: cluster.URL(), Timeout: 300 * time.Millisecond})
	l := startLoad(s)
	l.more(t, 200)
	if err := cluster.Nodes[0].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.more(t, 200)
	eventually(t, "every key can be put", func() bool {
		for i := range 40 {
			if s.Put(t.Context(), keyOf(i), entryOf(fmt.Sprint(i))) != nil {
				return false
			}
		}
		return true
	})
	l.more(t, 200)
	l.end(t)
	for i := range 40 {
		want(t, s, keyOf(i), fmt.Sprint(i))
	}
}
