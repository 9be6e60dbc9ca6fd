// Command load runs a load as services have it over pgbench's accounts: reads by primary key, some keys far more often than
// others (Zipf), and now and then a write. Plain pgx and a cache that follows the database's changes take turns on one private
// server, and only the ratios within a round count.
//
//	go run ./load -rounds 7
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// shares are the parts of the queries that write.
var shares = []float64{0, 0.01, 0.1, 0.5}

type options struct {
	rounds, scale, workers int
	turn, warm             time.Duration
	all                    bool
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 7, "how many times each takes its turn")
	flag.IntVar(&o.scale, "scale", 10, "how many times 100,000 accounts there are")
	flag.IntVar(&o.workers, "workers", 8, "how many goroutines ask at once")
	flag.DurationVar(&o.turn, "turn", time.Second, "how long a turn lasts")
	flag.DurationVar(&o.warm, "warm", 20*time.Second, "how long the cache is read before anything is measured")
	flag.BoolVar(&o.all, "all", true, "whether to measure again after each account has been read once, as in a service that is up for long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) (err error) {
	server, err := testenv.Start(ctx, testenv.Options{Settings: map[string]string{"shared_buffers": "512MB", "max_wal_size": "8GB"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	program, err := server.Program("pgbench")
	if err != nil {
		return err
	}
	fill := exec.CommandContext(ctx, program, "-i", "-q", "-s", strconv.Itoa(o.scale), server.DSN(""))
	if said, err := fill.CombinedOutput(); err != nil {
		return fmt.Errorf("pgbench: %w: %s", err, said)
	}
	s, err := open(ctx, server.DSN(""), o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Printf("%s/%s, %d processors; %d accounts, %d goroutines, %d rounds of %v.\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.scale*100_000, o.workers, o.rounds, o.turn)
	if _, err := s.play(ctx, s.cached, 0, 0, o.warm); err != nil {
		return err
	}
	if err := s.table(ctx); err != nil || !o.all {
		return err
	}
	if err := s.readAll(ctx); err != nil {
		return err
	}
	fmt.Printf("\nAfter each account has been read once; the cache has %d entries of %d bytes in all.\n\n",
		s.connector.Stats().Entries, s.connector.Stats().Bytes)
	return s.table(ctx)
}

// table measures with each share of writes, and prints a row for each.
func (s *subject) table(ctx context.Context) error {
	fmt.Println("| writes | pgx: queries/s | p99 | pgcache: queries/s | p99 | hits of the reads " +
		"| database/sql alone: queries/s | throughput to pgx |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, share := range shares {
		row, err := s.measure(ctx, share)
		if err != nil {
			return err
		}
		fmt.Println(row)
	}
	return nil
}
