// Command quickstart shows what pgcache is for, in one run. It starts a PostgreSQL server of its own, fills pgbench's tables,
// and asks the same slow question with and without the cache:
//
//	go run ./examples/quickstart [-scale 50]
//
// Every answer is compared with the one that plain pgx gets at that moment. A different one ends the run with an error. The
// server and its files are gone afterwards, also after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
)

// question is the query of the talk. The order of its groups is left open, so answers are compared as sets.
const question = "SELECT aid.bid, count(1) FROM pgbench_accounts aid GROUP BY aid.bid LIMIT 5000"

// rule is all that the cache is told about it.
const rule = "accounts: table=pgbench_accounts ttl=10m"

func main() { program.Main("quickstart", run) }

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	scale, err := parseScale(args, out)
	if err != nil {
		return err
	}
	database, err := pgbench.Start(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := database.Load(ctx, scale, out); err != nil {
		return err
	}
	pools, err := database.OpenPools(ctx, rule)
	if err != nil {
		return err
	}
	defer pools.Close()
	demo := &demo{Pools: pools, database: database}
	return demo.play(ctx, out)
}

// mostBranches is where the question's LIMIT would begin to leave out groups, and any of them.
const mostBranches = 5000

// parseScale reads the arguments. The scale is pgbench's: the number of branches.
func parseScale(args []string, out io.Writer) (int, error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(out)
	scale := flags.Int("scale", 50, "how many times 100,000 accounts to load")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	if *scale < 1 || *scale > mostBranches || flags.NArg() > 0 {
		return 0, fmt.Errorf("usage: quickstart [-scale N], N from 1 to %d", mostBranches)
	}
	return *scale, nil
}
