package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/program/programtest"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The whole show at its smallest: every scene is there in order, with its times and how it was checked; the hits were hits;
// and the server is gone, files included.
func TestRun(t *testing.T) {
	programtest.EmptyRoom(t)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-scale", "1"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	const number = `[\d,.]+`
	const here = number + ` (s|ms|µs) +` + number + `×`
	for _, want := range []string{
		`loading 100,000 accounts: 100 %`,
		`SELECT aid\.bid, count\(1\) FROM pgbench_accounts aid GROUP BY aid\.bid LIMIT 5000`,
		`plain pgx +` + here + ` +24\.9 s +1\.00× +all 3 agree`,
		`first run \(miss\) +` + here + ` +equals plain pgx's just after`,
		`second run \(hit\) +` + here + ` +4\.32 ms +5,760× +all 101 equal plain pgx's just after`,
		`after a write +` + here + ` +equals plain pgx's, not the one before`,
		`PostgreSQL stopped +` + here + ` +all 101 equal plain pgx's before`,
		`SHOW pgcache\.stats says: hits 202, misses 2, fills 2, rejected_fills 0, entries 1,`,
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
	for _, at := range []string{"creating", "loading", "vacuuming", "(hit)"} {
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
		{"", 50},
		{"-scale 1", 1},
		{"-scale=5000", 5000},
		{"-scale 0", 0},
		{"-scale 5001", 0},
		{"-scale many", 0},
		{"-scale 1 more", 0},
		{"-help", 0},
	} {
		got, err := parseScale(strings.Fields(c.args), io.Discard)
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("%q: %d, %v; want %d", c.args, got, err, c.want)
		}
	}
}
