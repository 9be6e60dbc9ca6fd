package main

import (
	"context"
	"database/sql"
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

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/testenv"
)

func main() {
	rounds := flag.Int("rounds", 30, "how many times each case takes its turn")
	turn := flag.Duration("turn", 50*time.Millisecond, "how long a turn lasts, about")
	only := flag.String("only", "", "the cases that take turns, by a regular expression")
	profile := flag.String("cpuprofile", "", "where to write a CPU profile of the rounds to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *turn, *only, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, rounds int, turn time.Duration, only, profile string) (err error) {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return err
	}
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
	cases := slices.DeleteFunc(dbs.cases(ctx), func(c *measured) bool { return !wanted.MatchString(c.name) })
	for _, c := range cases {
		if err := c.warmUp(turn); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if profile != "" {
		stop, err := startProfile(profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
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

// mostAtOnce is how many goroutines query at once, at most.
const mostAtOnce = 64

// databases are the same database, seen in the ways that are compared.
type databases struct{ pgx, off, hit, miss, tracked, trackedMiss, strict *sql.DB }

const tables = `
create table if not exists three as
  select g::bigint as id, 'owner number ' || g as owner, timestamptz '2026-01-01' + g * interval '1 minute' as since
  from generate_series(1001, 2000) g;
alter table three drop constraint if exists three_pkey, add primary key (id);
create table if not exists two as select g::bigint as a, (g * 7)::bigint as b from generate_series(1001, 6000) g;
alter table two drop constraint if exists two_pkey, add primary key (a);
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
		&d.hit:  "pgcache_feed=none&pgcache_rule=all:+*+ttl=1h",
		&d.miss: "pgcache_feed=none&pgcache_rule=all:+*+ttl=1ns", // what is kept is too old when it is asked for
		// The same with changes followed by logical replication.
		&d.tracked:     "pgcache_feed=wal&pgcache_rule=all:+*+ttl=1h",
		&d.trackedMiss: "pgcache_feed=wal&pgcache_rule=all:+*+ttl=1ns",
		&d.strict:      "pgcache_feed=wal&pgcache_consistency=strict&pgcache_rule=all:+*+ttl=1h",
	} {
		separator := "?"
		if hasQuery(server) {
			separator = "&"
		}
		if *db, err = driver.OpenDB(server + separator + params); err != nil {
			return nil, err
		}
	}
	for _, db := range []*sql.DB{d.pgx, d.hit, d.strict} {
		db.SetMaxIdleConns(mostAtOnce) // or pgx would dial all the time
	}
	for _, db := range []*sql.DB{d.tracked, d.trackedMiss, d.strict} {
		if err := follows(ctx, db); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

// follows waits until changes are followed.
func follows(ctx context.Context, db *sql.DB) error {
	for feed := "none"; feed == "none"; {
		if err := oneByThree.run(ctx, db); err != nil {
			return err
		}
		rows, err := db.QueryContext(ctx, "SHOW pgcache.stats")
		if err != nil {
			return err
		}
		for rows.Next() {
			var name, value string
			if err := rows.Scan(&name, &value); err != nil {
				return errors.Join(err, rows.Close())
			}
			if name == "feed" {
				feed = value
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	return nil
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
	for _, db := range []*sql.DB{d.pgx, d.off, d.hit, d.miss, d.tracked, d.trackedMiss, d.strict} {
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
	ctx = context.Background()
	add("pgx", d.pgx, selectOne)
	for _, q := range []query{oneByThree, thousandByThree} {
		add("tracked hit", d.tracked, q, "floor", "hit")
		add("tracked miss", d.trackedMiss, q, "pgx", "miss")
		add("strict hit", d.strict, q, "pgx", "hit")
	}
	list[len(list)-4].against = append(list[len(list)-4].against, "pgx "+selectOne.shape)
	for _, workers := range []int{8, mostAtOnce} {
		name := fmt.Sprintf("%d at once", workers)
		for _, c := range []struct {
			name    string
			db      *sql.DB
			against []string
		}{
			{"floor", floor(oneByThree), nil},
			{"pgx", d.pgx, nil},
			{"hit", d.hit, []string{"floor", "pgx"}},
			{"strict hit", d.strict, []string{"pgx"}},
		} {
			for i := range c.against {
				c.against[i] += ", " + name
			}
			add(c.name+", "+name, c.db, oneByThree, c.against...)
			list[len(list)-1].workers = workers
		}
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
