package fanout_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/fanout"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// fault is what happens to one query of six.
type fault struct {
	name   string
	query  fanout.Query[int]
	strike string // SQL that does it, with the victim's pid as $1; run when the other five are done
	check  func(error) bool
}

func state(code string) func(error) bool {
	return func(err error) bool {
		var pg *pgconn.PgError
		return errors.As(err, &pg) && pg.Code == code && !errors.Is(err, context.DeadlineExceeded)
	}
}

var sleeper = fanout.Query[int]{Name: "victim", SQL: "select 1 from pg_sleep(3600)"}

func faults() []fault {
	late := sleeper
	late.Timeout = time.Second
	return []fault{
		{"failing", fanout.Query[int]{Name: "victim", SQL: "select 1 / $1::int", Args: []any{0}}, "", state("22012")},
		{"failing after rows", fanout.Query[int]{Name: "victim", SQL: "select 1 / (2 - g) from generate_series(1, 2) g"}, "", state("22012")},
		{"cancelled", sleeper, "select pg_cancel_backend($1)", state("57014")},
		{"killed", sleeper, "select pg_terminate_backend($1)", state("57P01")},
		{"timing out", late, "", func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	}
}

// One of six fails in each way there is: its error is its own, the other five
// answers are right, and nothing is left behind on either side.
func TestOneOfSixFails(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		for _, f := range faults() {
			t.Run(fmt.Sprintf("%s, snapshot %v", f.name, snapshot), func(t *testing.T) {
				dsn := pgtest.Database(t)
				db, admin := open(t, dsn, 6), open(t, dsn, 0)
				others := make(chan struct{})
				g := fanout.Group{DB: db, Workers: 6, KeepGoing: true, Snapshot: snapshot, Progress: func(e fanout.Event) {
					if e.Step == fanout.Finished && e.Done == 5 {
						close(others)
					}
				}}
				if f.strike != "" {
					go func() {
						<-others
						strike(t, admin, f.strike)
					}()
				}
				got, err := fanout.Collect(testContext(t), g, sixWith(2, f.query)...)
				if want := []int{10, 11, 0, 13, 14, 15}; !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
				var q *fanout.QueryError
				if !errors.As(err, &q) || q.Index != 2 || q.Name != "victim" || !f.check(err) {
					t.Errorf("error %v", err)
				}
				if all, ok := err.(interface{ Unwrap() []error }); !ok || len(all.Unwrap()) != 1 {
					t.Errorf("not one error: %v", err)
				}
				allBack(t, db)
				nothingLeft(t, admin)
			})
		}
	}
}

// sixWith are six queries of which one is the victim.
func sixWith(at int, victim fanout.Query[int]) []fanout.Query[int] {
	queries := make([]fanout.Query[int], 6)
	for i := range queries {
		queries[i] = fanout.Select[int]("select 10 + $1::int", i)
	}
	queries[at] = victim
	return queries
}

// strike waits until the victim sleeps and does to it what sql says.
func strike(t *testing.T, admin *sql.DB, sql string) {
	const victims = "from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'"
	await(t, admin, "select count(*) = 1 "+victims)
	if _, err := admin.Exec("select x.f from (select pid " + victims + ") a, lateral (" + sqlFor(sql) + ") x(f)"); err != nil {
		t.Error(err)
	}
}

// sqlFor puts the column pid where the parameter is.
func sqlFor(sql string) string { return sql[:len(sql)-len("$1)")] + "a.pid)" }

// The first failure makes PostgreSQL cancel the other five: they would sleep for an
// hour.
func TestFailureCancelsOnTheServer(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		t.Run(fmt.Sprintf("snapshot %v", snapshot), func(t *testing.T) {
			dsn := pgtest.Database(t)
			db, admin := open(t, dsn, 6), open(t, dsn, 0)
			failure := errors.New("unreadable")
			queries := slices.Repeat([]fanout.Query[int]{sleeper}, 6)
			queries[3] = fanout.Query[int]{SQL: "select 1", Read: func(context.Context, *sql.Rows) (int, error) {
				awaitSleepers(t, admin, 5)
				return 0, failure
			}}
			_, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Workers: 6, Snapshot: snapshot}, queries...)
			var q *fanout.QueryError
			if !errors.As(err, &q) || q.Index != 3 || !errors.Is(err, failure) {
				t.Errorf("got %v", err)
			}
			allBack(t, db)
			nothingLeft(t, admin)
		})
	}
}

func awaitSleepers(t *testing.T, admin *sql.DB, n int) {
	await(t, admin, `select count(*) = $1 from pg_stat_activity
		where datname = current_database() and wait_event = 'PgSleep'`, n)
}

func TestCancelReachesTheServer(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		t.Run(fmt.Sprintf("snapshot %v", snapshot), func(t *testing.T) {
			dsn := pgtest.Database(t)
			db, admin := open(t, dsn, 6), open(t, dsn, 0)
			ctx, cancel := context.WithCancel(testContext(t))
			go func() {
				awaitSleepers(t, admin, 6)
				cancel()
			}()
			_, err := fanout.Collect(ctx, fanout.Group{DB: db, Workers: 6, Snapshot: snapshot},
				slices.Repeat([]fanout.Query[int]{sleeper}, 8)...)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			allBack(t, db)
			nothingLeft(t, admin)
		})
	}
}

// A pool that others use up makes a run wait, and the caller's deadline ends it.
func TestExhaustedPoolEndsWithTheDeadline(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		db := postgres(t, 1)
		busy, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(testContext(t), 10*time.Millisecond)
		defer cancel()
		_, err = fanout.Collect(ctx, fanout.Group{DB: db, Snapshot: snapshot}, fanout.Select[int]("select 1"))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		_ = busy.Close()
		allBack(t, db)
	}
}
