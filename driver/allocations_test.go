package driver

import (
	"runtime"
	"strings"
	"testing"
)

// allocationsOfAHit are those of a query of one row and three columns that is answered from memory. Two are ours: the rows, in one
// block with their values, and the names of the columns. The others are database/sql's own.
const allocationsOfAHit = 8

// Unlike times, allocations are the same on every machine: whoever changes their number has to say so here.
func TestAllocationsOfAHit(t *testing.T) {
	t.Run("without a feed", func(t *testing.T) { allocationsOfOne(t, newFixture(t)) })
	t.Run("with a feed", func(t *testing.T) {
		f := newTracked(t, "wal")
		f.kept("select id, owner, balance from accounts where id = $1", int64(7))
		allocationsOfOne(t, f)
	})
}

func allocationsOfOne(t *testing.T, f *fixture) {
	t.Helper()
	rows, err := f.Query("select id, owner, balance from accounts where id = $1", int64(7))
	if err != nil {
		t.Fatal(err)
	}
	_ = rows.Close()
	var id, balance int64
	var owner string
	into := []any{&id, &owner, &balance}
	args := []any{int64(7)}
	hit := func() {
		rows, err := f.Query("select id, owner, balance from accounts where id = $1", args...)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	before := f.connector.Stats().Hits
	const runs = 1000
	n := testing.AllocsPerRun(runs, hit)
	if hits := f.connector.Stats().Hits - before; hits < runs {
		t.Fatalf("%d hits", hits)
	}
	want := float64(allocationsOfAHit)
	if !strings.HasPrefix(runtime.Version(), "go1.26") {
		want-- // database/sql of Go 1.27 makes one less
	}
	if n != want {
		t.Errorf("%v allocations, and not %v", n, want)
	}
}
