// Command tiers measures hits that come from what a fleet shares: from Redis, beside a bare GET of the same bytes, and from a peer,
// beside a bare HTTP GET of them. The memory tier is made too small for what is asked, so that each hit goes there. All take turns
// in short rounds, and only the ratios within a round count.
//
//	go run ./tiers -rounds 30
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 30, "how many times each case takes its turn")
	turn := flag.Duration("turn", 50*time.Millisecond, "how long a turn lasts, about")
	only := flag.String("only", "", "the cases that take turns, by a part of their names")
	profile := flag.String("cpuprofile", "", "where to write a CPU profile of the rounds to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *turn, *only, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "tiers:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, rounds int, turn time.Duration, only, profile string) (err error) {
	b, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	cases, err := b.cases(ctx)
	if err != nil {
		return err
	}
	cases = slices.DeleteFunc(cases, func(c *measured) bool { return !strings.Contains(c.name, only) })
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer func() {
			pprof.StopCPUProfile()
			err = errors.Join(err, f.Close())
		}()
	}
	fmt.Printf("%s, %s/%s, %d processors; %d rounds.\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), rounds)
	for _, workers := range []int{1, 8} {
		if err := table(ctx, cases, workers, rounds, turn); err != nil {
			return err
		}
	}
	return nil
}

// table has the cases take turns, so many goroutines at once, and writes what has come of it.
func table(ctx context.Context, cases []*measured, workers, rounds int, turn time.Duration) error {
	for _, c := range cases {
		c.workers, c.turns, c.allocs = workers, nil, 0
		if err := c.warmUp(turn); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	for n := range rounds {
		fmt.Fprintf(os.Stderr, "\rround %d of %d", n+1, rounds)
		for _, c := range cases {
			if err := errors.Join(c.take(), ctx.Err()); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	fmt.Fprintln(os.Stderr)
	fmt.Printf("\n| %d at once | bytes | fastest round | median round | allocations | from the tier | ratio to |\n", workers)
	fmt.Println("|---|---:|---:|---:|---:|---:|---|")
	for _, c := range cases {
		fmt.Println(c.row(cases))
	}
	return nil
}
