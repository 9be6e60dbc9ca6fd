package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/fanout"
)

const batch = 1000 // queries in one run

func noop(tb testing.TB) *sql.DB {
	db, _ := fake(tb, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return table([]string{"n"}, []driver.Value{int64(1)}), nil
	})
	return db
}

// bare is what one would write without this package: a goroutine for each query,
// as many at a time as there are workers.
func bare(ctx context.Context, db *sql.DB, workers, queries int) error {
	slots := make(chan struct{}, workers)
	errs := make([]error, queries)
	answers := make([]int64, queries)
	var wg sync.WaitGroup
	for i := range queries {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = bareQuery(ctx, db, &answers[i])
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func bareQuery(ctx context.Context, db *sql.DB, answer *int64) error {
	rows, err := db.QueryContext(ctx, "select 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(answer); err != nil {
			return err
		}
	}
	return rows.Err()
}

// BenchmarkBare and BenchmarkCollect differ by the overhead of this package; both
// report the time per query.
func BenchmarkBare(b *testing.B) {
	db := noop(b)
	perQuery(b, func() error { return bare(b.Context(), db, 8, batch) })
}

func BenchmarkCollect(b *testing.B) {
	queries := slices.Repeat([]fanout.Query[int64]{fanout.Select[int64]("select 1")}, batch)
	db := noop(b)
	for name, g := range map[string]fanout.Group{
		"plain":    {DB: db},
		"snapshot": {DB: db, Snapshot: true},
		"timeout":  {DB: db, Timeout: 1 << 40},
		"progress": {DB: db, Progress: func(fanout.Event) {}},
	} {
		if g.Snapshot {
			g.DB = snapshots(b)
		}
		b.Run(name, func(b *testing.B) {
			perQuery(b, func() error {
				_, err := fanout.Collect(b.Context(), g, queries...)
				return err
			})
		})
	}
}

func BenchmarkStream(b *testing.B) {
	queries := slices.Repeat([]fanout.Query[int64]{fanout.Select[int64]("select 1")}, batch)
	db := noop(b)
	perQuery(b, func() error {
		for _, err := range fanout.Stream(b.Context(), fanout.Group{DB: db}, queries...) {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// snapshots is a no-op server that has snapshots to export.
func snapshots(tb testing.TB) *sql.DB {
	db, _ := fake(tb, func(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
		if query == "select pg_export_snapshot()" {
			return table([]string{"id"}, []driver.Value{"1"}), nil
		}
		return table([]string{"n"}, []driver.Value{int64(1)}), nil
	})
	return db
}

func perQuery(b *testing.B, run func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/query")
}

// The overhead per query over a bare goroutine is at most 20 µs; it is a small part
// of that. Both are run in turn, and the fastest run of each counts, so that the
// machine's other tenants don't.
func TestOverheadPerQuery(t *testing.T) {
	db := noop(t)
	queries := slices.Repeat([]fanout.Query[int64]{fanout.Select[int64]("select 1")}, batch)
	base, ours := time.Hour, time.Hour
	for range 30 {
		base = min(base, timed(t, func() error { return bare(t.Context(), db, 8, batch) }))
		ours = min(ours, timed(t, func() error {
			_, err := fanout.Collect(t.Context(), fanout.Group{DB: db}, queries...)
			return err
		}))
	}
	overhead := (ours - base) / batch
	t.Logf("%v a query", overhead)
	if overhead > 20*time.Microsecond {
		t.Errorf("%v a query", overhead)
	}
}

func timed(tb testing.TB, run func() error) time.Duration {
	tb.Helper()
	began := time.Now()
	if err := run(); err != nil {
		tb.Fatal(err)
	}
	return time.Since(began)
}

func BenchmarkRows(b *testing.B) {
	type row struct {
		ID   int64
		Name string
	}
	rows := make([][]driver.Value, 1000)
	for i := range rows {
		rows[i] = []driver.Value{int64(i), fmt.Sprint(i)}
	}
	db, _ := fake(b, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return table([]string{"id", "name"}, rows...), nil
	})
	b.Run("scan by hand", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			found, err := db.QueryContext(b.Context(), "q")
			if err != nil {
				b.Fatal(err)
			}
			var all []row
			for found.Next() {
				var r row
				if err := found.Scan(&r.ID, &r.Name); err != nil {
					b.Fatal(err)
				}
				all = append(all, r)
			}
			if err := found.Close(); err != nil || len(all) != len(rows) {
				b.Fatal(len(all), err)
			}
		}
	})
	b.Run("structs", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var all []row
			if err := (fanout.Group{DB: db}).Run(b.Context(), fanout.Into(&all, "q")); err != nil {
				b.Fatal(err)
			}
		}
	})
}
