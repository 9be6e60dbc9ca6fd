package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/program/programtest"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Each write is seen by the next read, and what is asked again is a hit.
func TestRun(t *testing.T) {
	programtest.EmptyRoom(t)
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("\n%s", &out)
	for _, want := range []string{
		`at first: +10 of lamp at 19\.90, 10 of chair at 49\.00; 0 sold \(hits 0, misses 2\)`,
		`once more: +10 of lamp at 19\.90, 10 of chair at 49\.00; 0 sold \(hits 2, misses 2\)`,
		`after an order: +7 of lamp at 19\.90, 10 of chair at 49\.00; 3 sold \(hits 2, misses 4\)`,
		`after two: +7 of lamp at 19\.90, 9 of chair at 49\.00; 9 sold \(hits 2, misses 6\)`,
		`once more: +7 of lamp at 19\.90, 9 of chair at 49\.00; 9 sold \(hits 4, misses 6\)`,
	} {
		found := regexp.MustCompile(want).FindIndex(out.Bytes())
		if found == nil {
			t.Fatalf("missing, or not where it should be: %s\nin the rest:\n%s", want, &out)
		}
		out.Next(found[1])
	}
}

func TestNoArguments(t *testing.T) {
	if err := run(t.Context(), []string{"more"}, io.Discard); err == nil || !strings.Contains(err.Error(), "usage") {
		t.Error(err)
	}
}
