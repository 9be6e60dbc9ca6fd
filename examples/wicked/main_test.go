package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/program/programtest"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The whole show at its smallest: every way is there in order with its numbers, the hits were hits, the chart is written, and
// the server is gone, files included.
func TestRun(t *testing.T) {
	chart := filepath.Join(t.TempDir(), "made", "wicked.svg")
	programtest.EmptyRoom(t)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-scale", "1", "-rounds", "2", "-chart", chart}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	const number = `[\d,.]+`
	const here = ` +` + number + ` (s|ms|µs) +` + number + `×`
	const bound = here + ` +` + number + ` (s|ms|µs) +\d+ %`
	for _, want := range []string{
		`loading 100,000 accounts: 100 %`,
		`1  SELECT aid\.bid, count\(1\) FROM pgbench_accounts aid`,
		`6  SELECT aid % 1000 AS digits`,
		`round 2 of 2`,
		`a plain loop, one by one` + here + ` +57\.0 s +1\.00×`,
		`2 workers` + bound, `3 workers` + bound, `5 workers` + bound,
		`6 workers` + bound + ` +27\.5 s +2\.07×`,
		`6, pgcache, first run` + bound, `6, pgcache, second run` + here + "\n", `6, in one snapshot` + bound,
		`query 1 alone` + here + ` +24\.9 s +1\.00×`,
		`query 1, from the cache` + here + ` +4\.32 ms +5,760×`,
		`medians of 2 rounds, the last line's of 101 runs`,
		`Six workers: ` + number + `×`,
		`All 696 answers equal the plain loop's\.`, // 2 rounds of 8 ways and 101 runs of 6, less the first loop
		`SHOW pgcache\.stats says: hits 618, misses 12, fills 12, rejected_fills 0, entries 6,`,
		`The table as a chart: ` + regexp.QuoteMeta(chart),
	} {
		found := regexp.MustCompile(want).FindIndex(out.Bytes())
		if found == nil {
			t.Fatalf("missing, or not where it should be: %s\nin the rest:\n%s", want, &out)
		}
		out.Next(found[1])
	}
	drawn, err := os.ReadFile(chart)
	if err != nil {
		t.Fatal(err)
	}
	if err := wellFormed(drawn); err != nil {
		t.Error(err)
	}
}

func wellFormed(document []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		switch _, err := d.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Ctrl-C at any point leaves nothing behind.
func TestInterrupted(t *testing.T) {
	for _, at := range []string{"loading", "SELECT", "round 1", "round 2"} {
		t.Run(at, func(t *testing.T) {
			chart := filepath.Join(t.TempDir(), "wicked.svg")
			programtest.Interrupted(t, at, func(ctx context.Context, out io.Writer) error {
				return run(ctx, []string{"-scale", "1", "-rounds", "2", "-chart", chart}, out)
			})
			if _, err := os.Stat(chart); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a chart of nothing: %v", err)
			}
		})
	}
}

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		args string
		want options // zero: an error
	}{
		{"", options{20, 5, "bin/wicked.svg"}},
		{"-scale 1 -rounds=1 -chart x.svg", options{1, 1, "x.svg"}},
		{"-scale=5000", options{5000, 5, "bin/wicked.svg"}},
		{"-scale 5001", options{}},
		{"-scale 0", options{}},
		{"-scale many", options{}},
		{"-rounds 0", options{}},
		{"-chart=", options{}},
		{"more", options{}},
		{"-help", options{}},
	} {
		got, err := parseOptions(strings.Fields(c.args), io.Discard)
		if got != c.want || (err == nil) != (c.want != options{}) {
			t.Errorf("%q: %v, %v; want %v", c.args, got, err, c.want)
		}
	}
}
