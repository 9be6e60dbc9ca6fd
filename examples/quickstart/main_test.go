package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// emptyRoom makes a directory for servers and returns what is in it. Servers run as another account when we are root, so it
// is open to all.
func emptyRoom(t *testing.T) (left func() []os.DirEntry) {
	t.Helper()
	room, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(room) })
	if err := os.Chmod(room, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", room)
	return func() []os.DirEntry {
		t.Helper()
		entries, err := os.ReadDir(room)
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
}

// The whole show at its smallest: every scene is there in order, with its times and how it was checked; the hits were hits;
// and the server is gone, files included.
func TestRun(t *testing.T) {
	left := emptyRoom(t)
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
	if entries := left(); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// Ctrl-C at any point leaves nothing behind.
func TestInterrupted(t *testing.T) {
	for _, at := range []string{"creating", "loading", "vacuuming", "(hit)"} {
		t.Run(at, func(t *testing.T) {
			left := emptyRoom(t)
			ctx, cancel := context.WithCancel(t.Context())
			err := run(ctx, []string{"-scale", "1"}, tripwire{at, cancel})
			var said bytes.Buffer
			if status := report(&said, err); status != 1 || !strings.Contains(said.String(), "interrupted") {
				t.Errorf("status %d: %s", status, &said)
			}
			if entries := left(); len(entries) > 0 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

// tripwire calls a function once the words are written.
type tripwire struct {
	words string
	trip  func()
}

func (w tripwire) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.words)) {
		w.trip()
	}
	return len(p), nil
}

func TestReport(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		said   string
	}{
		{"well", nil, 0, ""},
		{"help", flag.ErrHelp, 0, ""},
		{"interrupted", errors.Join(context.Canceled, errors.New("killed")), 1, "quickstart: interrupted; nothing is left running\n"},
		{"interrupted, and not cleaned up", errors.Join(context.Canceled, errLeft), 1, "quickstart: context canceled\nsomething is left behind\n"},
		{"different", errDiffers, 1, "quickstart: the answer differs from plain pgx's\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var said bytes.Buffer
			if status := report(&said, c.err); status != c.status || said.String() != c.said {
				t.Errorf("status %d, %q; want %d, %q", status, &said, c.status, c.said)
			}
		})
	}
}

func TestParseScale(t *testing.T) {
	for _, c := range []struct {
		args string
		want int // 0: an error
	}{
		{"", 30},
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
