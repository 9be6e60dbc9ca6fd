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

// Each write is seen by the next read, the one that was rolled back by none, and what is asked again is a hit. How many misses a
// write costs is not this test's business.
func TestRun(t *testing.T) {
	programtest.EmptyRoom(t)
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("\n%s", &out)
	for _, want := range []string{
		`at first: +The Dispossessed 11\.00, Fiasco 8\.00, Solaris 9\.50 \(hits 0, misses 2\)`,
		`once more: +The Dispossessed 11\.00, Fiasco 8\.00, Solaris 9\.50 \(hits 2, misses 2\)`,
		`after an update: +The Dispossessed 11\.00, Fiasco 8\.00, Solaris 12\.50 `,
		`rolled back: 3 books are free`,
		`after a rollback: +The Dispossessed 11\.00, Fiasco 8\.00, Solaris 12\.50 `,
		`after a delete: +The Dispossessed 11\.00, Solaris 12\.50 `,
		`once more: +The Dispossessed 11\.00, Solaris 12\.50 `,
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
