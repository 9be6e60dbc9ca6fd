package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/examples/internal/program/programtest"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The whole show: advice comes, its rules work, and the predictions hold, which run itself checks.
func TestRun(t *testing.T) {
	programtest.EmptyRoom(t)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-queries", "1500"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, want := range []string{"ttl=", "no rule: it may call now()", "predicted   real"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &out)
		}
	}
}
