package fanout_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// postgres opens a pool of at most limit connections (0: no limit) on a database
// of the test's own.
func postgres(tb testing.TB, limit int) *sql.DB {
	tb.Helper()
	return open(tb, pgtest.Database(tb), limit)
}

func open(tb testing.TB, dsn string, limit int) *sql.DB {
	tb.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(limit)
	db.SetMaxIdleConns(32)
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

// await asks db until query, which gives a boolean, says true. Each turn is a round
// trip; the statistics it reads are the server's own events.
func await(tb testing.TB, db *sql.DB, query string, args ...any) {
	ctx := testContext(tb)
	for {
		var yes bool
		if err := db.QueryRowContext(ctx, query, args...).Scan(&yes); err != nil {
			tb.Errorf("waiting for %s: %v", query, err)
			return
		}
		if yes {
			return
		}
	}
}

// nothingLeft fails the test unless the server has nothing to do for the test's
// database any more: no statement that runs, no transaction that idles.
func nothingLeft(tb testing.TB, admin *sql.DB) {
	tb.Helper()
	await(tb, admin, `select count(*) = 0 from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`)
}

func exec(tb testing.TB, db *sql.DB, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// testContext ends before the test binary's own deadline could hide where it hung.
func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

// allBack fails the test unless every connection is back in the pool.
func allBack(tb testing.TB, db *sql.DB) {
	tb.Helper()
	if n := db.Stats().InUse; n != 0 {
		tb.Errorf("%d connections are still in use", n)
	}
}
