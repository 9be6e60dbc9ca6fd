// Command observe shows how to find out what to cache. It starts a PostgreSQL server of its own, fills pgbench's tables, and
// runs a mixed load in observe mode, where PostgreSQL answers everything. Then it runs another load of the same kind with the
// rules that the advice gives, and holds the hit ratios against those that were predicted:
//
//	go run ./examples/observe [-scale 1] [-queries 6000]
package main

import (
	"context"
	"errors"
	"flag"
	"io"

	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
)

func main() { program.Main("observe", run) }

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("observe", flag.ContinueOnError)
	flags.SetOutput(out)
	scale := flags.Int("scale", 1, "how many times 100,000 accounts to load")
	queries := flags.Int("queries", 6000, "how many queries to run each time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *scale < 1 || *queries < 1 || flags.NArg() > 0 {
		return errors.New("usage: observe [-scale N] [-queries N], N from 1")
	}
	database, err := pgbench.Start(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := database.Load(ctx, *scale, out); err != nil {
		return err
	}
	d := &demo{database: database, out: out, load: load{accounts: *scale * 100_000, branches: *scale, queries: *queries}}
	return d.play(ctx)
}
