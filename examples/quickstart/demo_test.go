package main

import (
	"errors"
	"io"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// guest is a home in the shared server of the tests.
func guest(t *testing.T) *home {
	t.Helper()
	server := pgtest.Postgres(t)
	database, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &home{server: server, database: database}
}

// A cache that lies is caught: at the level ttl a write made elsewhere is not seen before the ttl has passed, so the next hit
// differs from plain pgx.
func TestAWrongAnswerEndsTheRun(t *testing.T) {
	h := guest(t)
	if err := h.copyTables(t.Context(), 1, newBar(io.Discard, "loading")); err != nil {
		t.Fatal(err)
	}
	d, err := h.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if _, err := d.withoutCache(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.miss(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.plain.ExecContext(t.Context(), "DELETE FROM pgbench_accounts WHERE aid = 7"); err != nil {
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

func TestAddRule(t *testing.T) {
	for base, want := range map[string]string{
		"postgres://u@h/d?sslmode=disable": "postgres://u@h/d?sslmode=disable&pgcache_rule=hot:%20*%20ttl%3D1m",
		"host=h user=u":                    "host=h user=u pgcache_rule='hot: * ttl=1m'",
	} {
		got, err := addRule(base, "hot: * ttl=1m")
		if err != nil || got != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
