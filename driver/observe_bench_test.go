package driver

import (
	"database/sql"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// BenchmarkObserve tells what observe mode adds to a SELECT by key: rounds of pgx and of observe take turns, and the ratio is
// the median over the pairs. As in the benchmarks of docs/benchmarks.md the process holds 64 MiB, so that the garbage collector
// runs as often as in a service.
func BenchmarkObserve(b *testing.B) {
	held := make([]byte, 64<<20)
	defer runtime.KeepAlive(held)
	dsn := pgtest.Database(b)
	plain, err := sql.Open("pgx", dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	if _, err := plain.Exec(accounts); err != nil {
		b.Fatal(err)
	}
	observing, err := OpenDB(dsn + "&pgcache=observe")
	if err != nil {
		b.Fatal(err)
	}
	defer observing.Close()
	const queries = 200
	round := func(db *sql.DB) time.Duration {
		began := time.Now()
		for n := range queries {
			var id, balance int
			var owner string
			if err := db.QueryRow("select id, owner, balance from accounts where id = $1", n+1).Scan(&id, &owner, &balance); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
	round(plain)
	round(observing)
	var ratios []float64
	for b.Loop() {
		ratios = append(ratios, float64(round(observing))/float64(round(plain)))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "ratio")
}
