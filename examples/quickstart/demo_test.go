package main

import (
	"errors"
	"io"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// A cache that lies is caught: at the level ttl a write made elsewhere is not seen before the ttl has passed, so the next hit
// differs from plain pgx.
func TestAWrongAnswerEndsTheRun(t *testing.T) {
	database, err := pgbench.On(t.Context(), pgtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Load(t.Context(), 1, io.Discard); err != nil {
		t.Fatal(err)
	}
	pools, err := database.OpenPools(t.Context(), rule)
	if err != nil {
		t.Fatal(err)
	}
	defer pools.Close()
	d := &demo{Pools: pools, database: database}
	if _, err := d.withoutCache(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.miss(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Plain.ExecContext(t.Context(), "DELETE FROM pgbench_accounts WHERE aid = 7"); err != nil {
		t.Fatal(err)
	}
	_, err = d.hit(t.Context())
	if !errors.Is(err, errDiffers) {
		t.Fatalf("got %v, want %v", err, errDiffers)
	}
	const want = "the answer differs from plain pgx's: it has branch 1 with 100000 accounts instead of branch 1 with 99999"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestDiffers(t *testing.T) {
	right := answer{{1, 10}, {2, 20}}
	for _, c := range []struct {
		name string
		got  answer
		same bool
	}{
		{"same", answer{{1, 10}, {2, 20}}, true},
		{"empty", nil, false},
		{"short", answer{{1, 10}}, false},
		{"long", answer{{1, 10}, {2, 20}, {3, 30}}, false},
		{"other branch", answer{{1, 10}, {3, 20}}, false},
		{"other count", answer{{1, 10}, {2, 21}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := agree([]answer{right, c.got}, right); (err == nil) != c.same || err != nil && !errors.Is(err, errDiffers) {
				t.Errorf("got %v", err)
			}
		})
	}
}
