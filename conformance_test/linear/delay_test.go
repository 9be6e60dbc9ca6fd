package linear_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// delays says how long answers at the level tracked were stale after a commit elsewhere: one number for each commit, and zero
// for those that no stale answer followed.
type delays []time.Duration

// at gives a quantile.
func (d delays) at(q float64) time.Duration { return d[int(q*float64(len(d)-1))] }

// row is a row of the table in docs/benchmarks.md.
func (d delays) row(name string) string {
	slices.Sort(d)
	seen := len(d) - slices.IndexFunc(append(slices.Clone(d), 1), func(x time.Duration) bool { return x > 0 })
	return fmt.Sprintf("| %s | %d | %.0f %% | %v | %v | %v |", name, len(d), 100*float64(seen)/float64(len(d)),
		d.at(0.5).Round(time.Microsecond), d.at(0.99).Round(time.Microsecond), d.at(1).Round(time.Microsecond))
}

// measureDelays commits so many changes elsewhere, each of a row that is answered from memory, and reads from the moment that
// the writer is told until the change is seen.
func measureDelays(t *testing.T, commits, load int) (d delays) {
	t.Helper()
	dsn := pgtest.Database(t)
	execute(t, connect(t, dsn), "create table load as select id, 0::bigint as n from generate_series(1, 1000) id")
	execute(t, connect(t, dsn), "alter table load add primary key (id)")
	db, connector := openPlain(t, dsn, "tracked", 1)
	elsewhere := connect(t, dsn)
	read := func() int64 {
		version, err := plain(t.Context(), db, 0)
		if err != nil {
			t.Fatal(err)
		}
		return version
	}
	stop := startLoad(t, dsn, load)
	defer stop()
	for version := range int64(commits) {
		hits := connector.Stats().Hits
		eventuallyNow(t, func() bool { read(); return connector.Stats().Hits > hits })
		execute(t, elsewhere, "update plain set version = $1", version+1)
		told, last := now(), int64(0)
		eventuallyNow(t, func() bool {
			fresh := read() == version+1
			if !fresh {
				last = now() - told
			}
			return fresh
		})
		d = append(d, time.Duration(last))
	}
	return d
}

// eventuallyNow tries as fast as it can until the condition holds.
func eventuallyNow(t *testing.T, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); {
		if time.Since(began) > patience {
			t.Fatal("never came")
		}
	}
}

// startLoad has so many clients update another table as fast as they can, until the function it gives is called.
func startLoad(t *testing.T, dsn string, clients int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i := range clients {
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() {
			defer conn.Close(context.Background())
			for id := i; ; id += clients {
				if _, err := conn.Exec(ctx, "update load set n = n + 1 where id = $1", 1+id%1000); err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	return func() { cancel(); running.Wait() }
}

// delayTable measures, and logs what belongs into docs/benchmarks.md.
func delayTable(t *testing.T, commits int) {
	t.Helper()
	table := []string{"| from a commit elsewhere to the last stale answer | commits | stale answers after | p50 | p99 | max |", "|---|---:|---:|---:|---:|---:|"}
	for _, c := range []struct {
		name string
		load int
	}{{"idle", 0}, {"beside 4 writers", 4}} {
		d := measureDelays(t, commits, c.load)
		table = append(table, d.row(c.name))
		if worst := d.at(1); worst > promptly {
			t.Errorf("%s: stale for %v", c.name, worst)
		}
	}
	t.Log("\n" + strings.Join(table, "\n"))
}

// A change made elsewhere is seen promptly at the level tracked.
func TestDelay(t *testing.T) { delayTable(t, 100) }
