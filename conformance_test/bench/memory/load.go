package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// The load goes on until the collector has run so often, for as many laps as that takes within reason.
const (
	leastCycles = 5
	mostLaps    = 10
)

// underLoad asks for small results, all of which are hits, on all processors, and gives a row of what the collector did meanwhile.
func (s *store) underLoad(ctx context.Context, lap time.Duration) (string, error) {
	live := liveHeap()
	held, before, began := s.Connector.Stats(), readCollector(), time.Now()
	var asked int64
	var did collector
	for laps := 0; laps < mostLaps && did.cycles < leastCycles; laps++ {
		n, err := s.askFor(ctx, lap)
		if err != nil {
			return "", err
		}
		asked += n
		did = readCollector().since(before)
	}
	took := time.Since(began)
	if hits := s.Connector.Stats().Hits - held.Hits; hits != asked {
		return "", fmt.Errorf("of %d queries %d were hits", asked, hits)
	}
	if did.cycles == 0 {
		return "", fmt.Errorf("the collector did nothing within %v: it takes a longer -load", took)
	}
	return fmt.Sprintf("| %s | %d | %s | %.0f | %d | %s | %s | %.2f %% |", mebibytes(uint64(held.Bytes)), held.Entries, mebibytes(live),
		float64(asked)/took.Seconds(), did.cycles, micros(did.pauses.quantile(0.5)), micros(did.pauses.quantile(1)), 100*did.share()), nil
}

// askFor asks for a while, and tells how often.
func (s *store) askFor(ctx context.Context, long time.Duration) (asked int64, err error) {
	until := time.Now().Add(long)
	var group errgroup.Group
	var all atomic.Int64
	for w := range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			ask, random, n := s.ask(ctx, byKey), rand.New(rand.NewPCG(uint64(until.UnixNano()), uint64(w))), int64(0)
			defer func() { all.Add(n) }()
			for ; time.Now().Before(until); n++ {
				if err := ask(1 + random.IntN(s.entries)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return all.Load(), err
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func micros(seconds float64) string { return fmt.Sprintf("%.0f µs", seconds*1e6) }
