package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/fleet"
	"github.com/gopgcache/pgcache/examples/internal/program/programtest"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	if fleet.IsOne() {
		fleet.Serve()
		return
	}
	pgtest.Main(m)
}

// The whole show at its smallest: every scene is there in order, with its counts and how it was checked, and nothing is left.
func TestRun(t *testing.T) {
	programtest.EmptyRoom(t)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-scale", "1"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("\n%s", &out)
	const times = ` +[\d,.]+ (s|ms|µs) +[\d,.]+ (s|ms|µs) +`
	for _, want := range []string{
		`loading 100,000 accounts: 100 %`,
		`starting 3 processes`,
		`plain pgx +3 +ran 3` + times + `all 3 agree`,
		`cold, 3 processes × 20 callers at once +60 +ran 1` + times + `all 60 equal plain pgx's just after; made by [ABC]`,
		`hits in A, one caller +101 +ran 0` + times + `all 101 equal`,
		`hits in B, one caller +101 +ran 0` + times + `all 101 equal`,
		`hits in C, one caller +101 +ran 0` + times + `all 101 equal`,
		`60 other keys, all ask for each +180 +ran 60` + times + `all 180 equal plain pgx's just after; made by A \d+, B \d+, C \d+`,
		`[ABC] killed; the others ask for its key +202 +ran 0` + times + `all 202 equal`,
		`60 new keys, a third of them its own +120 +ran ([6-9]\d|1[012]\d)` + times + `all 120 equal`,
		`[ABC] restarted .* ago, 60 new keys +180 +ran 60` + times + `all 180 equal`,
		`A: hits \d+, shared_hits \d+, `,
		`C: hits \d+, .* corrupt_entries 0`,
	} {
		found := regexp.MustCompile(want).FindIndex(out.Bytes())
		if found == nil {
			t.Fatalf("missing, or not where it should be: %s\nin the rest:\n%s", want, &out)
		}
		out.Next(found[1])
	}
}

// Ctrl-C at any point leaves nothing behind.
func TestInterrupted(t *testing.T) {
	for _, at := range []string{"starting 3 processes", "60 new keys"} {
		t.Run(at, func(t *testing.T) {
			programtest.Interrupted(t, at, func(ctx context.Context, out io.Writer) error {
				return run(ctx, []string{"-scale", "1"}, out)
			})
		})
	}
}

func TestParseScale(t *testing.T) {
	for _, c := range []struct {
		args string
		want int // 0: an error
	}{
		{"", 10}, {"-scale 1", 1}, {"-scale 0", 0}, {"-scale many", 0}, {"-scale 1 more", 0}, {"-help", 0},
	} {
		got, err := parseScale(strings.Fields(c.args), io.Discard)
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%q: %d, %v; want %d", c.args, got, err, c.want)
		}
	}
}
