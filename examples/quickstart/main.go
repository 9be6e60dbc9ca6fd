// Command quickstart shows what pgcache is for, in one run. It starts a PostgreSQL server of its own, fills pgbench's tables,
// and asks the same slow question with and without the cache:
//
//	go run ./examples/quickstart [-scale 30]
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
	"os"
	"os/signal"
	"syscall"
)

// question is the query of the talk. The order of its groups is left open, so answers are compared as sets.
const question = "SELECT aid.bid, count(1) FROM pgbench_accounts aid GROUP BY aid.bid LIMIT 5000"

// rule is all that the cache is told about it.
const rule = "accounts: table=pgbench_accounts ttl=10m"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends us at once, and the server with us
	err := run(ctx, os.Args[1:], os.Stdout)
	os.Exit(report(os.Stderr, err))
}

// report says in one line what went wrong, and gives the exit status.
func report(w io.Writer, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, context.Canceled) && !errors.Is(err, errLeft):
		fmt.Fprintln(w, "quickstart: interrupted; nothing is left running")
	default:
		fmt.Fprintln(w, "quickstart:", err)
	}
	return 1
}

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	scale, err := parseScale(args, out)
	if err != nil {
		return err
	}
	home, err := moveIn(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, home.moveOut()) }()
	if err := home.load(ctx, scale, out); err != nil {
		return err
	}
	demo, err := home.open(ctx)
	if err != nil {
		return err
	}
	defer demo.close()
	return demo.play(ctx, out)
}

// mostBranches is where the question's LIMIT would begin to leave out groups, and any of them.
const mostBranches = 5000

// parseScale reads the arguments. The scale is pgbench's: one branch with 100,000 accounts each.
func parseScale(args []string, out io.Writer) (int, error) {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(out)
	scale := flags.Int("scale", 30, "how many times 100,000 accounts to load")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	if *scale < 1 || *scale > mostBranches || flags.NArg() > 0 {
		return 0, fmt.Errorf("usage: quickstart [-scale N], N from 1 to %d", mostBranches)
	}
	return *scale, nil
}
