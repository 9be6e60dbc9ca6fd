package main

import (
	"database/sql"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/fanout"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// smallest is a demo over the smallest tables, in the shared server of the tests.
func smallest(t *testing.T) *demo {
	t.Helper()
	database, err := pgbench.On(t.Context(), pgtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Load(t.Context(), 1, io.Discard); err != nil {
		t.Fatal(err)
	}
	d, err := newDemo(t.Context(), database, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// An answer that differs from the plain loop's ends the run, in whichever way it was got. Here they all differ, because the
// table changed after the loop.
func TestAWrongAnswerEndsTheRun(t *testing.T) {
	d := smallest(t)
	ways := d.table().ways
	if err := ways[0].again(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Plain.ExecContext(t.Context(), "DELETE FROM pgbench_accounts WHERE aid = 7"); err != nil {
		t.Fatal(err)
	}
	for _, w := range ways {
		if err := w.again(t.Context()); !errors.Is(err, errDiffers) {
			t.Errorf("%s: got %v, want %v", w.what, err, errDiffers)
		}
	}
}

// No session lets PostgreSQL spread a query over cores.
func TestNoParallelPlans(t *testing.T) {
	d := smallest(t)
	show := fanout.Select[string]("SHOW max_parallel_workers_per_gather")
	for name, db := range map[string]*sql.DB{"pgx": d.Plain, "pgcache": d.Cached} {
		got, err := fanout.Collect(t.Context(), fanout.Group{DB: db, Workers: mostWorkers}, slices.Repeat([]fanout.Query[string]{show}, mostWorkers)...)
		if err != nil {
			t.Fatal(err)
		}
		if want := slices.Repeat([]string{"0"}, mostWorkers); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// Rows are told apart by their values, whatever their types.
func TestReadAnswer(t *testing.T) {
	d := smallest(t)
	q := fanout.Query[answer]{SQL: "SELECT * FROM (VALUES (1, 23, 'a'), (12, 3, NULL)) v", Read: readAnswer}
	got, err := fanout.Collect(t.Context(), fanout.Group{DB: d.Plain}, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(got[0]) != 2 || got[0][0] != "[1 23 a]" || got[0][1] != "[12 3 <nil>]" {
		t.Errorf("got %q", got[0])
	}
}

func TestCompare(t *testing.T) {
	answers := func(first ...string) []answer {
		all := make([]answer, len(queries))
		all[0] = first
		return all
	}
	right := answers("[1 10]", "[2 20]")
	for _, c := range []struct {
		name string
		got  []answer
		want string
	}{
		{"same", answers("[1 10]", "[2 20]"), ""},
		{"empty", answers(), "accounts by branch has 0 rows instead of 2, the first 0 alike"},
		{"short", answers("[1 10]"), "accounts by branch has 1 rows instead of 2, the first 1 alike"},
		{"long", answers("[1 10]", "[2 20]", "[3 30]"), "accounts by branch has 3 rows instead of 2, the first 2 alike"},
		{"other", answers("[1 10]", "[2 21]"), "accounts by branch has 2 rows instead of 2, the first 1 alike"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := compare(c.got, right)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if want := errDiffers.Error() + ": " + c.want; !errors.Is(err, errDiffers) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}
