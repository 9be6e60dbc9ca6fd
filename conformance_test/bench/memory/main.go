// Command memory measures what entries take in memory, and what a full store costs the garbage collector.
//
// A million results of one row each are read through the driver, and what the heap has grown by is held against the bytes that the
// rows had on the wire. Then the store is filled up, and hits are asked for as fast as they come, which makes the garbage that has
// the collector go through all of it; the same load on a store of a few entries comes first.
//
//	go run ./memory -entries 1000000 -store 1GiB -load 30s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/internal/testenv"
)

type options struct {
	entries int
	store   string
	load    time.Duration
}

func main() {
	var o options
	flag.IntVar(&o.entries, "entries", 1_000_000, "how many small entries there are")
	flag.StringVar(&o.store, "store", "1GiB", "how much memory the store has")
	flag.DurationVar(&o.load, "load", 30*time.Second, "how long hits are asked for, at least")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "memory:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) (err error) {
	server, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return err
	}
	f := fleet.Over(server.DSN(""))
	f.Later(server.Close)
	defer func() { err = errors.Join(err, f.Close()) }()
	wire, err := table(ctx, f, server.DSN(""), o.entries)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s/%s, GOMAXPROCS %d; stores of %s.\n\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), o.store)
	return measure(ctx, f, o, wire)
}

func measure(ctx context.Context, f *fleet.Fleet, o options, wire float64) error {
	few, err := open(f, o.store, min(o.entries, 1000))
	if err != nil {
		return err
	}
	if err := few.fill(ctx); err != nil {
		return err
	}
	little, err := few.underLoad(ctx, o.load)
	if err != nil {
		return err
	}
	many, err := open(f, o.store, o.entries)
	if err != nil {
		return err
	}
	if err := many.weigh(ctx, wire); err != nil {
		return err
	}
	if err := many.fillUp(ctx); err != nil {
		return err
	}
	much, err := many.underLoad(ctx, o.load)
	if err != nil {
		return err
	}
	fmt.Println("\n| store holds | entries | live heap | hits/s | collections | pause p50 | longest pause | collector's share of CPU |")
	fmt.Println("|---:|---:|---:|---:|---:|---:|---:|---:|")
	fmt.Println(little)
	fmt.Println(much)
	return nil
}
