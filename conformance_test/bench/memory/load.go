package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

// underLoad asks for small results, all of which are hits, on all processors, and gives a row of what the collector did meanwhile.
func (s *store) underLoad(ctx context.Context, long time.Duration) (string, error) {
	live := liveHeap()
	held, before := s.Connector.Stats(), readCollector()
	until := time.Now().Add(long)
	var group errgroup.Group
	asked := make([]int64, runtime.GOMAXPROCS(0))
	for w := range asked {
		group.Go(func() error {
			ask, random := s.ask(ctx, byKey), rand.New(rand.NewPCG(uint64(w), 1))
			for ; time.Now().Before(until); asked[w]++ {
				if err := ask(1 + random.IntN(s.entries)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	did := readCollector().since(before)
	var all int64
	for _, n := range asked {
		all += n
	}
	if hits := s.Connector.Stats().Hits - held.Hits; hits != all {
		return "", fmt.Errorf("of %d queries %d were hits", all, hits)
	}
	return fmt.Sprintf("| %s | %d | %s | %.0f | %d | %s | %s | %.2f %% |", mebibytes(uint64(held.Bytes)), held.Entries, mebibytes(live),
		float64(all)/long.Seconds(), did.cycles, micros(did.pauses.quantile(0.5)), micros(did.pauses.quantile(1)), 100*did.share()), nil
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func micros(seconds float64) string { return fmt.Sprintf("%.0f µs", seconds*1e6) }
