package libraries_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	_ "github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// place is where a shop keeps its data. It is all that a shop is told about the driver.
type place struct{ driver, dsn string }

// shop is a program that uses a library, and writes down what it sees.
type shop func(t *testing.T, at place, log *transcript)

// onBoth runs a shop on each driver, with an empty database each, and wants to see the same. The parameters, written
// name=value, are for both.
func onBoth(t *testing.T, run shop, params ...string) {
	t.Helper()
	play := func(driver string, params ...string) []string {
		log := &transcript{t: t}
		run(t, place{driver, withParams(t, pgtest.Database(t), params...)}, log)
		if log.db == nil {
			t.Fatal("the shop doesn't say which sql.DB it uses")
		}
		return log.lines
	}
	want := play("pgx", params...)
	if t.Failed() {
		t.Fatal("the shop fails on pgx")
	}
	got := play("pgcache", append(params, "pgcache_rule=all: * ttl=1h")...)
	if difference := firstDifference(want, got); difference != "" {
		t.Errorf("pgcache differs from pgx, %s", difference)
	}
}

// inModes runs a shop on both drivers in the modes of pgx that differ most: a statement per text on the server, with binary
// results where there are any; and nothing but text.
func inModes(t *testing.T, run shop) {
	t.Helper()
	for _, mode := range []string{"cache_statement", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) { onBoth(t, run, "default_query_exec_mode="+mode) })
	}
}

// open opens the place as a program does that uses database/sql.
func (p place) open(t *testing.T, log *transcript) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.driver, p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing %s: %v", p.driver, err)
		}
	})
	log.watch(p, db)
	return db
}

// withParams adds parameters, written name=value, to a connection string in the form of a URL.
func withParams(t *testing.T, dsn string, params ...string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		t.Fatal("the server's connection string is no URL")
	}
	query := u.Query()
	for _, param := range params {
		name, value, _ := strings.Cut(param, "=")
		query.Add(name, value)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // pgx takes a plus for a plus
	return u.String()
}
