package advice

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// judge is a ledger with one tag.
type judge struct{ changed uint64 }

func (j judge) Fresh(position uint64) bool { return position >= j.changed }

// hashOf spreads a number as a key's hash would.
func hashOf(n int) uint64 {
	h := fnv.New64a()
	_ = binary.Write(h, binary.BigEndian, int64(n))
	return h.Sum64() * 0x9e3779b97f4a7c15
}

// ask tells of a query for key n at a time since the observer was made.
func ask(s *Statement, n int, at time.Duration, hash, position uint64, j judge) {
	s.Call()
	s.Observe(&Query{
		Key: hashOf(n), Began: s.observer.began.Add(at + time.Minute), Cost: time.Millisecond, Hash: hash, Size: 100,
		Position: position, Admitted: true,
	}, j)
}

func TestLadder(t *testing.T) {
	s := New().Statement("select ?", "")
	for i := range 11 { // every two seconds
		ask(s, 1, time.Duration(i)*2*time.Second, 7, 0, judge{})
	}
	r := s.Report()
	for i, hits := range []float64{0, 8, 10, 10, 10} { // of ten seconds the fills are at 0, 10 and 20
		if got := r.Rungs[i].HitRatio * 11; math.Abs(got-hits) > 1e-9 {
			t.Errorf("%v: %v hits, want %v", r.Rungs[i].TTL, got, hits)
		}
		if want := time.Duration(hits) * time.Millisecond; r.Rungs[i].Saved != want {
			t.Errorf("%v: saved %v, want %v", r.Rungs[i].TTL, r.Rungs[i].Saved, want)
		}
	}
	if best, why := r.Best(); best == nil || best.TTL != time.Minute || why != "" {
		t.Errorf("%+v, %s", best, why)
	}
	if r.Rungs[4].Bytes != 100 {
		t.Errorf("%d bytes", r.Rungs[4].Bytes)
	}
}

func TestLies(t *testing.T) {
	s := New().Statement("select ?", "")
	ask(s, 1, 0, 1, 5, judge{})
	ask(s, 1, 100*time.Millisecond, 2, 6, judge{})  // nobody told of the change
	ask(s, 1, 200*time.Millisecond, 3, 7, judge{7}) // this one was told of
	ask(s, 1, 300*time.Millisecond, 3, 8, judge{7})
	for _, rung := range s.Report().Rungs {
		if rung.PlainLies != 3 || rung.Lies != 1 || rung.HitRatio != 0.5 {
			t.Errorf("%+v", rung)
		}
	}
	r := s.Report()
	if best, why := r.Best(); best != nil || why == "" {
		t.Errorf("%+v, %q", best, why)
	}
}

func TestNotAdmitted(t *testing.T) {
	s := New().Statement("select ?", "")
	for i := range 3 {
		s.Observe(&Query{Key: 1, Began: time.Now(), Cost: time.Second, Position: uint64(i)}, judge{})
	}
	if r := s.Report(); r.Rungs[4].HitRatio != 0 || r.Rungs[4].Bytes != 0 {
		t.Errorf("%+v", r.Rungs[4])
	}
}

func TestReasons(t *testing.T) {
	o := New()
	for why, learn := range map[string]func(*Statement){
		"it may call now()": func(s *Statement) { s.Call(); s.Refuse("it may call now()") },
		"most results are larger than what would be kept": func(s *Statement) {
			s.Observe(&Query{Began: time.Now(), TooLarge: true}, judge{})
		},
		"no query came twice within an hour": func(s *Statement) { ask(s, 1, 0, 1, 0, judge{}) },
	} {
		s := o.Statement(why, "")
		learn(s)
		r := s.Report()
		if best, got := r.Best(); best != nil || got != why {
			t.Errorf("%q, want %q", got, why)
		}
	}
	cheap := o.Statement("cheap", "")
	for i := range 100 {
		cheap.Call()
		cheap.Observe(&Query{Key: uint64(i / 2), Began: time.Now(), Cost: time.Microsecond, Admitted: true}, judge{})
	}
	r := cheap.Report()
	if best, why := r.Best(); best == nil || why == "" || r.BreakEven < 0.9 {
		t.Errorf("%+v, %q, %v", best, why, r.BreakEven)
	}
}

// With more keys than there is room for, memory is bounded and the shares are right within the error that is documented.
func TestSampling(t *testing.T) {
	const keys, rounds, few = 150_000, 2, 20
	o := New()
	many, rare := o.Statement("many", ""), o.Statement("rare", "")
	for round := range rounds {
		for n := range keys {
			ask(many, n, time.Duration(round)*time.Second*30, 1, 0, judge{})
		}
		for n := range few {
			ask(rare, n, time.Duration(round)*time.Second*30, 1, 0, judge{})
		}
	}
	if n := o.Keys(); n > MaxKeys || n < MaxKeys/4 {
		t.Errorf("%d keys", n)
	}
	r := many.Report()
	if got, want := r.Rungs[4].HitRatio, float64(rounds-1)/rounds; math.Abs(got-want) > 0.03 || r.Sample < 4 {
		t.Errorf("hit ratio %v, want %v; 1 in %d", got, want, r.Sample)
	}
	if got := float64(r.Rungs[4].Bytes); math.Abs(got/(keys*100)-1) > 0.05 {
		t.Errorf("%v bytes, want %v", got, keys*100)
	}
	if r := rare.Report(); r.Rungs[4].HitRatio != float64(rounds-1)/rounds || r.Sample != 1 {
		t.Errorf("a statement with few keys is estimated: %+v", r)
	}
}

func TestBounds(t *testing.T) {
	before := heap()
	o := New()
	asked := o.Statement("asked", "")
	for range 1000 {
		asked.Call()
	}
	var first *Statement
	for n := range 10_000 {
		s := o.Statement(fmt.Sprint("statement ", n), "")
		if n == 0 {
			first = s
		}
		for k := range 2 {
			ask(s, n*2+k, 0, 1, 0, judge{})
		}
	}
	for n := range 100_000 {
		ask(asked, n, 0, 1, 0, judge{})
	}
	if n := len(o.Statements()); n != MaxStatements {
		t.Errorf("%d statements", n)
	}
	if n := o.Keys(); n > MaxKeys {
		t.Errorf("%d keys", n)
	}
	if !first.Forgotten() || asked.Forgotten() {
		t.Error("what is asked most has to stay")
	}
	ask(first, 1, 0, 1, 0, judge{})
	if grown := int64(heap()) - int64(before); grown > 24<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	runtime.KeepAlive(o)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestConcurrent(t *testing.T) {
	o := New()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 3_000 {
				s := o.Statement(fmt.Sprint(rand.IntN(2100)), "")
				ask(s, n*4+w, 0, 1, 0, judge{})
				if n%1_000 == 0 {
					for _, s := range o.Statements() {
						s.Report()
					}
				}
			}
		})
	}
	wg.Wait()
	var held int64
	for _, s := range o.Statements() {
		held += int64(len(s.keys))
	}
	if n := int64(o.Keys()); n != held || n > MaxKeys {
		t.Errorf("%d keys counted, %d held", n, held)
	}
}

func BenchmarkObserve(b *testing.B) {
	s := New().Statement("select ?", "")
	for n := 0; b.Loop(); n++ {
		s.Observe(&Query{Key: uint64(n % 1000), Began: time.Now(), Cost: time.Millisecond, Admitted: true}, judge{})
	}
}
