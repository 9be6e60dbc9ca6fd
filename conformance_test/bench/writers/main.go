// Command writers measures what a feed costs those who write: pgbench -N beside nothing, beside a *sql.DB that follows by a
// replication slot, and beside one that follows by the touch log.
//
// The three take turns on one private server, each run beside the other two's, and only ratios within a round count. The
// server's CPU time is that of all of its processes, whoever they work for, as Linux counts it.
//
//	go run ./writers -rounds 7 -seconds 10
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// settings make the server large enough for pgbench's tables, and free of what comes at its own times.
var settings = map[string]string{
	"shared_buffers": "512MB", "max_wal_size": "8GB", "checkpoint_timeout": "1h", "autovacuum_naptime": "10s",
}

type options struct {
	rounds, seconds, scale int
	durable                bool
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how many times each takes its turn")
	flag.IntVar(&o.seconds, "seconds", 5, "how long a turn lasts")
	flag.IntVar(&o.scale, "scale", 10, "pgbench's scale")
	flag.BoolVar(&o.durable, "durable", false, "have the server wait for the disk at each commit, as servers do that are not for tests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "writers:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) error {
	settings := maps.Clone(settings)
	settings["fsync"] = map[bool]string{true: "on", false: "off"}[o.durable]
	server, err := testenv.Start(ctx, testenv.Options{Settings: settings})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	b, err := newBench(ctx, server, o)
	if err != nil {
		return err
	}
	defer b.close()
	list, err := b.loads(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	for n := range o.rounds {
		for _, l := range list {
			fmt.Fprintf(os.Stderr, "\rround %d of %d: %-40s", n+1, o.rounds, l.name)
			if err := b.round(ctx, n, l); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "\r%60s\r", "")
	report(os.Stdout, list, o, time.Since(began))
	return nil
}
