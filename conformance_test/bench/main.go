package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/testenv"
)

func main() {
	rounds := flag.Int("rounds", 30, "how many times each case takes its turn")
	turn := flag.Duration("turn", 50*time.Millisecond, "how long a turn lasts, about")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *turn); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, rounds int, turn time.Duration) error {
	server, err := testenv.Find(ctx, testenv.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	full := make([]byte, dsn.DefaultMemory)
	defer runtime.KeepAlive(full)
	dbs, err := open(ctx, server.DSN(""))
	if err != nil {
		return err
	}
	defer dbs.close()
	cases := dbs.cases(ctx)
	for _, c := range cases {
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
	report(os.Stdout, cases, rounds)
	return nil
}

// databases are the same database, seen in the ways that are compared.
type databases struct{ pgx, off, hit, miss *sql.DB }

const tables = `
create table if not exists three as
  select g::bigint as id, 'owner number ' || g as owner, timestamptz '2026-01-01' + g * interval '1 minute' as since
  from generate_series(1001, 2000) g;
create index if not exists three_id on three (id);
create table if not exists two as select g::bigint as a, (g * 7)::bigint as b from generate_series(1001, 6000) g;
analyze three; analyze two;`

func open(ctx context.Context, server string) (*databases, error) {
	var d databases
	var err error
	if d.pgx, err = sql.Open("pgx", server); err != nil {
		return nil, err
	}
	if _, err := d.pgx.ExecContext(ctx, tables); err != nil {
		return nil, err
	}
	for db, params := range map[**sql.DB]string{
		&d.off:  "pgcache=off",
		&d.hit:  "pgcache_rule=all:+*+ttl=1h",
		&d.miss: "pgcache_rule=all:+*+ttl=1ns", // what is kept is too old when it is asked for
	} {
		separator := "?"
		if hasQuery(server) {
			separator = "&"
		}
		if *db, err = driver.OpenDB(server + separator + params); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

func hasQuery(server string) bool {
	for _, c := range server {
		if c == '?' {
			return true
		}
	}
	return false
}

func (d *databases) close() {
	for _, db := range []*sql.DB{d.pgx, d.off, d.hit, d.miss} {
		_ = db.Close() // it was only read
	}
}

// cases are listed so that a case's reference stands before it. Most run without a context, as db.Query does; where one can
// end, as a request's can, database/sql and pgx watch it, and so do we.
func (d *databases) cases(canEnd context.Context) []*measured {
	var list []*measured
	ctx := context.Background()
	add := func(name string, db *sql.DB, q query, against ...string) {
		list = append(list, &measured{name: name + " " + q.shape, ctx: ctx, db: db, query: q, against: withShape(against, q.shape)})
	}
	for _, q := range []query{oneByThree, thousandByThree, fiveThousandByTwo} {
		add("floor", floor(q), q)
		add("pgx", d.pgx, q)
		add("hit", d.hit, q, "floor", "pgx")
		add("miss", d.miss, q, "pgx")
		add("off", d.off, q, "pgx")
	}
	ctx = canEnd
	for _, q := range []query{oneByThree, thousandByThree} {
		add("floor, context", floor(q), q)
		add("pgx, context", d.pgx, q)
		add("hit, context", d.hit, q, "floor, context", "pgx, context")
		add("miss, context", d.miss, q, "pgx, context")
	}
	return list
}

func withShape(names []string, shape string) []string {
	for i := range names {
		names[i] += " " + shape
	}
	return names
}

func machine() string {
	return fmt.Sprintf("%s, %s/%s, GOMAXPROCS %d", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
}
