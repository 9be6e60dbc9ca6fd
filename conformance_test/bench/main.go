package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/dsn"
)

type options struct {
	rounds                    int
	turn                      time.Duration
	only, raw, chart, profile string
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 30, "how many times each case takes its turn")
	flag.DurationVar(&o.turn, "turn", 50*time.Millisecond, "how long a turn lasts, about")
	flag.StringVar(&o.only, "only", "", "the cases that take turns, by a regular expression")
	flag.StringVar(&o.raw, "raw", "", "where to write all rounds to, for benchstat")
	flag.StringVar(&o.chart, "chart", "", "where to write a chart to, as SVG")
	flag.StringVar(&o.profile, "cpuprofile", "", "where to write a CPU profile of the rounds to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) (err error) {
	wanted, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	full := make([]byte, dsn.DefaultMemory)
	defer runtime.KeepAlive(full)
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	list, err := s.cases(ctx)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(m *measured) bool { return !wanted.MatchString(m.name()) })
	if len(list) == 0 {
		return errors.New("no case has such a name")
	}
	if err := play(ctx, o, list); err != nil {
		return err
	}
	report(os.Stdout, list, o.rounds)
	return save(o, list)
}

// play has the cases take turns, in the opposite order in every other round: some garbage that a case leaves is collected in the turn
// of the next one.
func play(ctx context.Context, o options, list []*measured) (err error) {
	for _, m := range list {
		fmt.Fprintf(os.Stderr, "\rwarming up: %-40s", m.name())
		if err := errors.Join(m.warmUp(o.turn), ctx.Err()); err != nil {
			return fmt.Errorf("%s: %w", m.name(), err)
		}
	}
	if o.profile != "" {
		stop, err := startProfile(o.profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	for n := range o.rounds {
		fmt.Fprintf(os.Stderr, "\r%-60s", fmt.Sprintf("round %d of %d", n+1, o.rounds))
		for _, m := range list {
			if err := errors.Join(m.take(), ctx.Err()); err != nil {
				return err
			}
		}
		slices.Reverse(list)
	}
	if o.rounds%2 != 0 {
		slices.Reverse(list)
	}
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	return nil
}

// save writes the files that were asked for.
func save(o options, list []*measured) (err error) {
	if o.raw != "" {
		err = writeRaw(o.raw, list)
	}
	if o.chart != "" {
		err = errors.Join(err, writeChart(o.chart, list, o.rounds))
	}
	return err
}

// startProfile begins a CPU profile, which stop writes.
func startProfile(name string) (stop func() error, err error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
