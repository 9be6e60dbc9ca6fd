package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/fanout"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

const (
	branches = 8
	accounts = 100 // in each branch
	opening  = 1000
	total    = branches * accounts * opening
)

// soak reports whether the long variants of tests are asked for: PGCACHE_SOAK=1.
func soak() bool { return os.Getenv("PGCACHE_SOAK") != "" }

// bank makes accounts, and two writers that move money between branches until the
// test ends. Money is never made or lost: the total is the same in every snapshot.
func bank(t *testing.T, db *sql.DB) []fanout.Query[int64] {
	exec(t, db, fmt.Sprintf(`create table accounts as
		select g as id, g %% %d as branch, %d::bigint as balance from generate_series(0, %d) g`,
		branches, opening, branches*accounts-1),
		"alter table accounts add primary key (id)",
		"create index on accounts (branch)",
		"analyze accounts")
	ctx, stop := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	t.Cleanup(func() { stop(); writers.Wait() })
	for w := range 2 {
		random := rand.New(rand.NewPCG(uint64(w), 1))
		writers.Go(func() {
			for ctx.Err() == nil {
				// Each writer keeps to accounts of its own parity of id/branches, so they never wait.
				from := (2*random.IntN(accounts/2)+w)*branches + random.IntN(branches)
				to := (2*random.IntN(accounts/2)+w)*branches + random.IntN(branches)
				_, err := db.ExecContext(ctx, `update accounts set balance = balance +
					(case when id = $1::int then -7 else 0 end) + (case when id = $2::int then 7 else 0 end)
					where id in ($1::int, $2::int)`, from, to)
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	queries := make([]fanout.Query[int64], branches)
	for b := range queries {
		queries[b] = fanout.Select[int64]("select sum(balance)::bigint from accounts where branch = $1::int", b)
	}
	return queries
}

func sum(t *testing.T, g fanout.Group, queries []fanout.Query[int64]) (total int64) {
	parts, err := fanout.Collect(testContext(t), g, queries...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		total += p
	}
	return total
}

// With one snapshot the branches always add up; without, they don't: the property
// and the proof that the test could see it broken.
func TestBranchesAddUpInOneSnapshot(t *testing.T) {
	dsn := pgtest.Database(t)
	db := open(t, dsn, 4)
	queries := bank(t, open(t, dsn, 0))
	rounds := 300
	if soak() {
		rounds = 10_000
	}
	g := fanout.Group{DB: db, Workers: 4, Snapshot: true}
	for round := range rounds {
		if got := sum(t, g, queries); got != total {
			t.Fatalf("round %d: %d, want %d", round, got, total)
		}
	}
	allBack(t, db)

	g.Snapshot = false
	for round := 1; ; round++ {
		if sum(t, g, queries) != total {
			t.Logf("%d rounds right with the snapshot; without it the first wrong one was round %d", rounds, round)
			return
		}
		if round == 10_000 {
			t.Fatal("never wrong without a snapshot: this test shows nothing")
		}
	}
}

// The exporter is a worker too, so any pool will do.
func TestSnapshotOnSmallPools(t *testing.T) {
	dsn := pgtest.Database(t)
	queries := bank(t, open(t, dsn, 0))
	for _, limit := range []int{1, 2, 3} {
		db := open(t, dsn, limit)
		for range 20 {
			if got := sum(t, fanout.Group{DB: db, Workers: 8, Snapshot: true}, queries); got != total {
				t.Fatalf("pool of %d: %d, want %d", limit, got, total)
			}
		}
		if limit := db.Stats().MaxOpenConnections; db.Stats().OpenConnections > limit {
			t.Errorf("%d connections", db.Stats().OpenConnections)
		}
		allBack(t, db)
	}
}

func TestSnapshotStream(t *testing.T) {
	dsn := pgtest.Database(t)
	db := open(t, dsn, 4)
	queries := bank(t, open(t, dsn, 0))
	for range 20 {
		var got int64
		for r, err := range fanout.Stream(testContext(t), fanout.Group{DB: db, Snapshot: true}, queries...) {
			if err != nil {
				t.Fatal(err)
			}
			got += r.Value
		}
		if got != total {
			t.Fatalf("%d, want %d", got, total)
		}
	}
	allBack(t, db)
}

func TestSnapshotIsReadOnly(t *testing.T) {
	db := postgres(t, 2)
	exec(t, db, "create table t (n int)")
	_, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Snapshot: true},
		fanout.Select[int]("insert into t values (1) returning n"))
	if !state("25006")(err) {
		t.Errorf("got %v", err)
	}
}

// A run of one worker can't get its snapshot back when the connection dies: the
// queries that are left say so, those that were answered stay.
func TestSnapshotLost(t *testing.T) {
	dsn := pgtest.Database(t)
	db, admin := open(t, dsn, 1), open(t, dsn, 0)
	go strike(t, admin, "select pg_terminate_backend($1)")
	g := fanout.Group{DB: db, Snapshot: true, KeepGoing: true, History: new(fanout.History)}
	got, err := fanout.Collect(testContext(t), g, sixWith(4, sleeper)...)
	if want := []int{10, 11, 12, 13, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	errs := err.(interface{ Unwrap() []error }).Unwrap()
	if len(errs) != 2 || !state("57P01")(errs[0]) || !errors.Is(errs[1], fanout.ErrSnapshotLost) {
		t.Fatalf("got %v", err)
	}
	if q := errs[1].(*fanout.QueryError); q.Index != 5 {
		t.Errorf("got %v", q)
	}
	allBack(t, db)
	nothingLeft(t, admin)
}

// Workers that did not export the snapshot join it again after losing their
// connection: two victims in a row, each of which kills its own connection, leave
// the other answers right.
func TestWorkersJoinTheSnapshotAgain(t *testing.T) {
	db := postgres(t, 3)
	exec(t, db, `create function die() returns int language plpgsql as
		$$begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(3600); return 1; end$$`)
	// The exporter is busy for as long as the others need, whichever query it has.
	var others sync.WaitGroup
	others.Add(4)
	first := fanout.Query[int]{SQL: "select 1", Read: func(ctx context.Context, _ *sql.Rows) (int, error) {
		others.Wait()
		return 1, nil
	}}
	g := fanout.Group{
		DB: db, Workers: 2, Snapshot: true, KeepGoing: true, History: new(fanout.History),
		Progress: func(e fanout.Event) {
			if e.Step == fanout.Finished && e.Index > 0 {
				others.Done()
			}
		},
	}
	die := fanout.Select[int]("select die()")
	two := fanout.Select[int]("select 2")
	got, err := fanout.Collect(testContext(t), g, first, die, two, die, two)
	if want := []int{1, 0, 2, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: %v", got, want, err)
	}
	allBack(t, db)
}

// scattered hands out connections to several servers in turn, as some poolers and
// load balancers do.
type scattered struct {
	servers []driver.Connector
	next    atomic.Int64
}

func (s *scattered) Connect(ctx context.Context) (driver.Conn, error) {
	return s.servers[int(s.next.Add(1))%len(s.servers)].Connect(ctx)
}

func (s *scattered) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

func connector(t *testing.T, dsn string) driver.Connector {
	c, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSnapshotAcrossServersIsAnError(t *testing.T) {
	here := pgtest.Database(t)
	for name, elsewhere := range map[string]string{
		"another database": pgtest.Database(t),
		"another server":   pgtest.Own(t).DSN(""),
	} {
		t.Run(name, func(t *testing.T) {
			db := sql.OpenDB(&scattered{servers: []driver.Connector{connector(t, here), connector(t, elsewhere)}})
			defer db.Close()
			_, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Snapshot: true}, sleeper, sleeper)
			var s *fanout.SnapshotError
			var pg *pgconn.PgError
			if !errors.As(err, &s) || s.Step != "import" || !errors.As(err, &pg) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), "do not reach one server and one database") {
				t.Errorf("no advice in %v", err)
			}
			allBack(t, db)
		})
	}
}

// coded is an error with a SQLSTATE, of no driver in particular.
type coded string

func (c coded) Error() string    { return "state " + string(c) }
func (c coded) SQLState() string { return string(c) }

func TestSnapshotThatCannotBeExported(t *testing.T) {
	for code, advice := range map[coded]string{
		"42883": "this server has no pg_export_snapshot()",
		"55000": "a standby?",
		"25006": "a standby?",
		"XX000": "export of the snapshot: state XX000",
	} {
		db, server := fake(t, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) { return nil, code })
		_, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Snapshot: true}, fanout.Select[int]("x"))
		var s *fanout.SnapshotError
		if !errors.As(err, &s) || s.Step != "export" || !strings.Contains(err.Error(), advice) || !errors.Is(err, code) {
			t.Errorf("got %v", err)
		}
		if n := server.asked.Load(); n != 1 {
			t.Errorf("%d queries: the caller's ran without its snapshot", n)
		}
		allBack(t, db)
	}
}
