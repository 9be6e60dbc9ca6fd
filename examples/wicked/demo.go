package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
	"github.com/gopgcache/pgcache/fanout"
)

// demo runs the six queries in every way there is.
type demo struct {
	*pgbench.Pools
	rounds int
	cores  int                // that PostgreSQL can use; 0 if that is not known
	watch  func(fanout.Event) // shows how far a run is; may be nil

	history fanout.History // how long each query takes, learned from the plain loop
	right   []answer       // the plain loop's, of the first round
	checked int            // answers that were compared with those
}

const mostWorkers = 6

// newDemo opens the database, with as many connections as the runs take, all dialled before any clock runs.
func newDemo(ctx context.Context, database *pgbench.Database, rounds int, out io.Writer) (*demo, error) {
	// A query that spreads over the cores by itself would blur what running several together gains.
	if err := database.Set(ctx, "max_parallel_workers_per_gather", "0"); err != nil {
		return nil, err
	}
	pools, err := database.OpenPools(ctx, rule)
	if err != nil {
		return nil, err
	}
	d := &demo{Pools: pools, rounds: rounds, cores: coresOf(database), watch: progress(out)}
	if err := errors.Join(dial(ctx, d.Plain), dial(ctx, d.Cached)); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// dial fills a pool.
func dial(ctx context.Context, db *sql.DB) error {
	db.SetMaxIdleConns(mostWorkers)
	for range mostWorkers {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close() // not before all are open
		if err := conn.PingContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// progress draws a run's progress on a terminal, and wipes it off at the end.
func progress(out io.Writer) func(fanout.Event) {
	if !program.IsTerminal(out) {
		return nil
	}
	draw := fanout.ProgressLine(out)
	return func(e fanout.Event) {
		if e.Step == fanout.Over {
			fmt.Fprint(out, "\r\x1b[K")
			return
		}
		draw(e)
	}
}

// play runs everything, round after round, and returns the table.
func (d *demo) play(ctx context.Context, out io.Writer) (*table, error) {
	if err := d.introduce(ctx, out); err != nil {
		return nil, err
	}
	t := d.table()
	for round := range d.rounds {
		fmt.Fprintf(out, "  round %d of %d\n", round+1, d.rounds)
		for _, w := range t.ways {
			if err := w.again(ctx); err != nil {
				return nil, err
			}
		}
	}
	for range hitRuns {
		if err := t.hits.again(ctx); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// hitRuns is for a median of what takes no time.
const hitRuns = 101

// table lists the ways in the order run. Each round runs all of them, so that what else the machine does meanwhile meets all
// alike.
func (d *demo) table() *table {
	plain := fanout.Group{DB: d.Plain, Workers: mostWorkers, History: &d.history, Progress: d.watch}
	cached, snapshot := plain, plain
	cached.DB = d.Cached
	snapshot.Snapshot = true
	hits := fanout.Group{DB: d.Cached, Workers: mostWorkers, History: new(fanout.History)}

	t := &table{cores: d.cores}
	t.loop = t.add(way{what: "a plain loop, one by one", talk: talkLoop, run: d.plainLoop})
	for _, n := range []int{2, 3, 5} {
		g := plain
		g.Workers = n
		t.add(way{what: fmt.Sprintf("%d workers", n), workers: n, run: d.together(g)})
	}
	t.six = t.add(way{what: "6 workers", workers: mostWorkers, talk: talkTogether, run: d.together(plain)})
	t.add(way{what: "6, pgcache, first run", workers: mostWorkers, run: d.emptied(d.together(cached))})
	t.second = t.add(way{what: "6, pgcache, second run", run: d.together(hits)})
	t.add(way{what: "6, in one snapshot", workers: mostWorkers, run: d.together(snapshot)})
	t.hits = &way{what: "6, pgcache, again and again", run: d.together(hits)}
	return t
}
