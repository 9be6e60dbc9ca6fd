// Package conformance_test looks at pgcache from outside, as a program does that changed one word: it runs the same script
// with database/sql on "pgx" and on "pgcache", on one server and one database, and wants the same to be seen in each. A
// script runs on pgcache twice, so that the second run reads from the cache what the first one put there, and the cache's
// own counters have to prove that it did.
//
// What a script sees is written down as lines of text in a transcript: see [subject]. Two values of different Go types,
// two times in different locations or two errors with different causes make different lines.
package conformance_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests need one zone on every machine

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	// Where the local zone is UTC, a time that got lost on its way to time.Local would not show.
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		panic(err)
	}
	time.Local = zone
	pgtest.Main(m)
}

// modes are the values of pgx's parameter default_query_exec_mode.
var modes = []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"}

// unlikeModes are those of the modes that differ most: a statement per text on the server, binary results where there are
// any; and nothing but text.
var unlikeModes = []string{"cache_statement", "simple_protocol"}

// inEveryMode runs a test once per mode, on one database that is set up once.
func inEveryMode(t *testing.T, setup string, test func(t *testing.T, p *pair)) {
	t.Helper()
	inModes(t, modes, setup, test)
}

func inModes(t *testing.T, modes []string, setup string, test func(t *testing.T, p *pair)) {
	t.Helper()
	dsn := database(t, setup)
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			test(t, open(t, dsn, "default_query_exec_mode="+mode))
		})
	}
}
