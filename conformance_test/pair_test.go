package conformance_test

import (
	"database/sql"
	"net/url"
	"strconv"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	_ "github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// pair is one database, opened with both drivers.
type pair struct {
	dsn    string // without parameters of pgcache
	plain  *sql.DB
	cached *sql.DB
}

// database makes a database of the test's own, runs a script in it that sets it up, and returns its connection string.
func database(t *testing.T, setup string) string {
	t.Helper()
	dsn := pgtest.Database(t)
	db := openWith(t, "pgx", dsn)
	if _, err := db.ExecContext(t.Context(), setup); err != nil {
		t.Fatalf("setting up: %v", err)
	}
	return dsn
}

// open opens a database with both drivers. The parameters, written name=value, are for both; pgcache also gets a rule that
// caches whatever can be.
func open(t *testing.T, dsn string, params ...string) *pair {
	t.Helper()
	dsn = withParams(t, dsn, params...)
	return &pair{
		dsn:    dsn,
		plain:  openWith(t, "pgx", dsn),
		cached: openWith(t, "pgcache", withParams(t, dsn, "pgcache_rule=all: * ttl=1h")),
	}
}

func openWith(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing %s: %v", driver, err)
		}
	})
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

// served is how many queries of a script are answered from the cache, in its first and in its second run.
type served struct {
	first, second int64
	keepsNothing  bool // no result may be put into the cache
}

var (
	// never is what a script wants of which nothing may be cached.
	never = served{keepsNothing: true}
	// once is what a script wants that has one query that can be cached.
	once = served{0, 1, false}
	// whatever leaves it open what is cached.
	whatever = served{-1, -1, false}
)

// hits is what a script wants of whose queries so many are answered from the cache.
func hits(first, second int64) served { return served{first, second, false} }

// both runs a script twice on pgx, and twice on pgcache with a cache that is empty at first, and wants to see the same in
// both first and in both second runs. It returns what was seen, for tests that know it beforehand.
func (p *pair) both(t *testing.T, want served, script func(*subject)) string {
	t.Helper()
	if _, err := p.cached.ExecContext(t.Context(), "call pgcache.flush()"); err != nil {
		t.Fatal(err)
	}
	seen := p.run(t, "first", want.first, want, script)
	p.run(t, "second", want.second, want, script)
	return seen
}

// run runs a script once on each driver.
func (p *pair) run(t *testing.T, name string, hits int64, want served, script func(*subject)) string {
	t.Helper()
	wanted := perform(t, p.plain, script)
	before := p.stats(t)
	got := perform(t, p.cached, script)
	after := p.stats(t)
	if diff := firstDifference(wanted, got); diff != "" {
		t.Errorf("the %s run on pgcache differs from pgx:\n%s", name, diff)
	}
	if n := after["hits"] - before["hits"]; n != hits && want != whatever {
		t.Errorf("the %s run on pgcache: %d queries answered from the cache, want %d", name, n, hits)
	}
	if kept := after["entries"]; want.keepsNothing && kept != 0 {
		t.Errorf("the %s run on pgcache: %d results were kept", name, kept)
	}
	return strings.Join(wanted, "\n")
}

// perform runs a script and returns what it saw.
func perform(t *testing.T, db *sql.DB, script func(*subject)) []string {
	t.Helper()
	s := &subject{t: t, ctx: t.Context(), db: db}
	script(s)
	if open := db.Stats().InUse; open != 0 {
		t.Errorf("the script left %d connections in use", open)
	}
	return s.transcript
}

// stats are the cache's counters.
func (p *pair) stats(t *testing.T) map[string]int64 {
	t.Helper()
	rows, err := p.cached.QueryContext(t.Context(), "show pgcache.stats")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	stats := make(map[string]int64)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			t.Fatal(err)
		}
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			stats[name] = n
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return stats
}

// TestSecondRunIsCached shows that both can tell a hit from a miss.
func TestSecondRunIsCached(t *testing.T) {
	p := open(t, database(t, "create table t (id int); insert into t values (1)"))
	p.both(t, once, func(s *subject) { s.query(s.db, "select id from t") })
	p.both(t, hits(1, 2), func(s *subject) {
		s.query(s.db, "select id from t")
		s.query(s.db, "select id from t")
	})
	p.both(t, never, func(s *subject) { s.query(s.db, "select id from t for update") })
}
