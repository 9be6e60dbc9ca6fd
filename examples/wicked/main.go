// Command wicked runs six slow queries together, as the talk's query pool did, and shows what that gains: one after the
// other, with two to six workers, from the cache, and in one snapshot.
//
//	go run ./examples/wicked [-scale 20] [-rounds 5] [-chart bin/wicked.svg]
//
// It starts a PostgreSQL server of its own and fills pgbench's tables. Every answer is compared with the one that a plain
// loop over database/sql got; a different one ends the run with an error. The server and its files are gone afterwards,
// also after Ctrl-C. The chart stays.
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

func main() { program.Main("wicked", run) }

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	opts, err := parseOptions(args, out)
	if err != nil {
		return err
	}
	database, err := pgbench.Start(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := database.Load(ctx, opts.scale, out); err != nil {
		return err
	}
	demo, err := newDemo(ctx, database, opts.rounds, out)
	if err != nil {
		return err
	}
	defer demo.Close()
	table, err := demo.play(ctx, out)
	if err != nil {
		return err
	}
	table.print(out)
	if err := demo.conclude(ctx, out); err != nil {
		return err
	}
	return table.chart().save(opts.chart, out)
}

// options are what the arguments say.
type options struct {
	scale  int    // pgbench's: the number of branches
	rounds int    // how often everything is run
	chart  string // the file that the chart goes to
}

// mostBranches is where the talk's LIMIT would begin to leave out groups.
const mostBranches = 5000

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("wicked", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.scale, "scale", 20, "how many times 100,000 accounts to load")
	flags.IntVar(&o.rounds, "rounds", 5, "how often to run everything; the table has the medians")
	flags.StringVar(&o.chart, "chart", "bin/wicked.svg", "the file to write the chart to")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.scale < 1 || o.scale > mostBranches || o.rounds < 1 || o.chart == "" || flags.NArg() > 0 {
		return options{}, fmt.Errorf("usage: wicked [-scale N] [-rounds N] [-chart FILE], scale from 1 to %d", mostBranches)
	}
	return o, nil
}
