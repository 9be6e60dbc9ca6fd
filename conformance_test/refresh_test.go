package conformance_test

import (
	"context"
	"testing"
	"time"
)

// stale opens a database whose entries are too old at once, and served all the same while they are filled again.
func stale(t *testing.T, params ...string) *pair {
	t.Helper()
	dsn := withParams(t, database(t, shop), params...)
	return &pair{
		dsn: dsn, plain: openWith(t, "pgx", dsn),
		cached: openWith(t, "pgcache", withParams(t, dsn, "pgcache_rule=all: * ttl=1ns stale=1h")),
	}
}

// waitForFills waits until so many fills have come to an end.
func (p *pair) waitForFills(t *testing.T, count int64) {
	t.Helper()
	for deadline := time.Now().Add(patience); p.stats(t)["fills"] < count; {
		if time.Now().After(deadline) {
			t.Fatalf("there were never %d fills, but %v", count, p.stats(t))
		}
	}
}

// TestRefreshOfAStatement fills the entry of a prepared statement again, in the background. The mode of the connection's
// queries, which encodes the argument in another way, must have no part in that.
func TestRefreshOfAStatement(t *testing.T) {
	p := stale(t, "default_query_exec_mode=simple_protocol")
	stmt, err := p.cached.PrepareContext(t.Context(), "select $1::text from items where id = 1")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for fills := range int64(4) {
		var got string
		if err := stmt.QueryRowContext(t.Context(), []byte("abc")).Scan(&got); err != nil || got != "abc" {
			t.Fatalf("with %d fills: %q, %v", fills, got, err)
		}
		p.waitForFills(t, fills+1)
	}
}

// TestRefreshOfArgumentsThatChange fills an entry again after the caller has changed what its arguments point to. The entry
// is that of what they were.
func TestRefreshOfArgumentsThatChange(t *testing.T) {
	p := stale(t)
	ask := func(name *string, raw []byte) (gotName string, gotRaw []byte) {
		row := p.cached.QueryRowContext(context.Background(), "select $1::text, $2::bytea from items where id = 1", name, raw)
		if err := row.Scan(&gotName, &gotRaw); err != nil {
			t.Fatal(err)
		}
		return gotName, gotRaw
	}
	for fills := int64(1); fills < 5; fills++ {
		name, raw := "name", []byte("raw")
		if gotName, gotRaw := ask(&name, raw); gotName != "name" || string(gotRaw) != "raw" {
			t.Fatalf("with %d fills: %q, %q", fills, gotName, gotRaw)
		}
		name = "another"
		copy(raw, "war")
		p.waitForFills(t, fills)
	}
}
