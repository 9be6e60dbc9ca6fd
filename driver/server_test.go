package driver

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// While PostgreSQL is down hits go on, on connections that exist and on new ones, and everything else gives pgx's error.
// When it is back so is everything.
func TestPostgresDown(t *testing.T) {
	server := pgtest.Own(t)
	f := fixtureOn(t, server.DSN(""), "rule=patient: sql~patient ttl=1ns stale_if_error=1h", "rule=all: * ttl=1h")
	const patient = byID + " /* patient */"
	f.caches(byID, 1)
	f.want(patient, 1)
	held, err := f.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	f.read(held, "select 1 where false")

	if err := server.Stop(t.Context(), testenv.Fast); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for _, db := range []queryer{f.DB, held} {
			if got := f.read(db, byID, 1); got != "owner 1 0" {
				t.Errorf("hit while down: %q", got)
			}
		}
	}
	// The connection does not know yet, and the query is sent: it is one lookup all the same.
	for _, db := range []queryer{held, f.DB} {
		s := f.delta(func() {
			if got := f.read(db, patient, 1); got != "owner 1 0" {
				t.Errorf("past its ttl while down: %q", got)
			}
		})
		if s.Hits != 1 || s.StaleServed != 1 || s.Misses != 0 {
			t.Errorf("it was counted as %+v", s)
		}
	}
	f.age()
	for range 3 {
		if got := f.read(f.DB, byID, 1); got != "owner 1 0" {
			t.Errorf("hit after a minute of it: %q", got)
		}
	}
	if got := f.read(f.DB, patient, 1); got != "owner 1 0" {
		t.Errorf("past its ttl after a minute of it: %q", got)
	}
	if got, err := readAll(t.Context(), f.DB, byID, 2); err == nil {
		t.Errorf("miss while down: %q", got)
	}
	if err := f.Ping(); err == nil {
		t.Error("ping while down")
	}
	var dial *pgconn.ConnectError
	if _, err := f.Begin(); !errors.As(err, &dial) {
		t.Errorf("begin while down: %v", err)
	}

	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.plain.Close()
	f.plain = openPlain(t, f.dsn)
	f.want(byID, 2)
	f.exec(f.DB, "update accounts set balance = 1 where id = 1")
	f.want(byID, 1)
	f.want(patient, 1)
}

// age makes all answers of the catalog old.
func (f *fixture) age() {
	answers := &f.connector.cache.answers
	answers.mu.Lock()
	defer answers.mu.Unlock()
	aged := make(map[question]*answer)
	for q, a := range answers.known {
		aged[q] = &answer{Answer: a.Answer, question: a.question, text: a.text, schema: a.schema, at: a.at - cachestore.Instant(answerAge)}
		a.text.verdict.Store(nil)
	}
	answers.known = aged
}

// What the catalog said is asked again when it is old, without anybody waiting for it.
func TestOldAnswersAreReplaced(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create table other as select 1 as id; create view seen as select id from accounts")
	const query = "select count(*) from seen"
	f.caches(query)
	f.exec(f.plain, "create or replace view seen as select id from other")
	f.isNoHitAfter(func() { f.exec(f.DB, "update accounts set balance = 1 where id = 1") }, query)
	f.caches(query)
	f.age()
	f.read(f.DB, query)
	f.eventually("the view is looked at again", func() bool {
		return strings.Contains(f.reason(query), "public.other")
	})
	f.caches(query)
	f.isNoHitAfter(func() { f.exec(f.DB, "insert into other values (2)") }, query)
}

func (f *fixture) isNoHitAfter(change func(), query string) {
	f.t.Helper()
	change()
	f.isNoHit(query)
}

// A write whose connection breaks may still be carried out: until its server process is gone nothing it may have changed is
// kept.
func TestLostWrite(t *testing.T) {
	f := newFixture(t)
	f.caches(byID, 1)
	unlock := f.lock("accounts")
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := f.ExecContext(ctx, "update accounts set balance = 5 where id = 1")
		done <- err
	}()
	f.waitForLockWaiters(1)
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	unlock()
	f.eventually("reads are kept again", func() bool {
		return f.delta(func() { f.want(byID, 1) }).Hits == 1
	})
}

func TestWaysToOpen(t *testing.T) {
	f := newFixture(t)
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	registered := stdlib.RegisterConnConfig(config)
	defer stdlib.UnregisterConnConfig(registered)
	pool, err := pgxpool.New(t.Context(), f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	const params = "pgcache_rule='all: * ttl=1h'"
	ways := map[string]func() (*sql.DB, error){
		"keywords":   func() (*sql.DB, error) { return sql.Open("pgcache", asKeywords(t, f.dsn)+" "+params) },
		"registered": func() (*sql.DB, error) { return sql.Open("pgcache", registered+" "+params) },
		"OpenDB":     func() (*sql.DB, error) { return OpenDB(asKeywords(t, f.dsn) + " " + params) },
		"pool":       func() (*sql.DB, error) { return OpenDBPool(pool, params) },
		"config":     func() (*sql.DB, error) { return openConnector(NewConnectorConfig(config, params)) },
		"hooks": func() (*sql.DB, error) {
			return openConnector(NewConnectorConfig(config, params,
				WithAfterConnect(toTokyo), WithResetSession(toTokyo)))
		},
	}
	for name, open := range ways {
		t.Run(name, func(t *testing.T) {
			db, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for range 3 {
				f.read(db, byID, 1)
			}
			stats := f.read(db, "show pgcache.stats")
			if !strings.Contains(stats, "hits 2\n") {
				t.Error(stats)
			}
		})
	}
}

func toTokyo(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, "set timezone = 'Asia/Tokyo'")
	return err
}

func openConnector(c *Connector, err error) (*sql.DB, error) {
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

// A hook that prepares a session by what the context says must have run before anything is answered.
func TestHooksMakeTheSession(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create schema a; create schema b; create table a.who as select 'a' as name; create table b.who as select 'b' as name")
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	type tenant struct{}
	enter := func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "set search_path = "+ctx.Value(tenant{}).(string))
		return err
	}
	db, err := openConnector(NewConnectorConfig(config, "pgcache_rule='all: * ttl=1h'", WithAfterConnect(enter), WithResetSession(enter)))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 5 {
		for _, name := range []string{"a", "b"} {
			got, err := readAll(context.WithValue(t.Context(), tenant{}, name), db, "select name from who")
			if err != nil || got != name {
				t.Errorf("tenant %s got %q, %v", name, got, err)
			}
		}
	}
	if stats := f.read2(context.WithValue(t.Context(), tenant{}, "a"), db, "show pgcache.stats"); !strings.Contains(stats, "hits 8\n") {
		t.Error(stats)
	}
}

func (f *fixture) read2(ctx context.Context, db queryer, query string) string {
	f.t.Helper()
	got, err := readAll(ctx, db, query)
	if err != nil {
		f.t.Fatal(err)
	}
	return got
}

// A wrong connection string fails at the first use, clearly, and never panics.
func TestWrongConnectionString(t *testing.T) {
	for _, c := range []struct{ dsn, want string }{
		{"host=db pgcache_rule='hot: * ttl=1h' pgcache_memry=1MiB", "pgcache_memory"},
		{"host=db pgcache_rule='hot: * tll=1h'", "ttl"},
		{"host=db pgcache_tx=readonly pgcache_rule='hot: * ttl=1h'", "not supported yet"},
	} {
		db, err := sql.Open("pgcache", c.dsn)
		if err != nil {
			t.Fatalf("%s: at Open: %v", c.dsn, err)
		}
		err = db.Ping()
		var wrong *dsn.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.dsn, err)
		}
		db.Close()
	}
}

func TestCommands(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create schema shop; create table shop.parts as select 1 as id; create table other as select 1 as id")
	read := func() { f.caches("select id from shop.parts"); f.caches("select id from other") }
	read()
	f.exec(f.DB, "call pgcache.invalidate('shop.parts')")
	f.isNoHit("select id from shop.parts")
	f.isHit("select id from other")
	f.exec(f.DB, "CALL pgcache.invalidate($1);", `"shop".PARTS`)
	f.isNoHit("select id from shop.parts")
	f.exec(f.DB, "call pgcache.flush()")
	f.isNoHit("select id from other")
	if s := f.connector.Stats(); s.Invalidations != 3 {
		t.Errorf("%+v", s)
	}
	for _, wrong := range []string{
		"call pgcache.invalidate('nowhere')", "call pgcache.invalidate()", "call pgcache.invalidate('a.b.c')",
		"call pgcache.flush(1)", "show pgcache.nothing",
	} {
		if _, err := f.Exec(wrong); err == nil || !strings.HasPrefix(err.Error(), "pgcache: ") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if got := f.read(f.DB, "/* pgcache: off */ explain (pgcache) select id from other"); !strings.Contains(got, saysOff) {
		t.Errorf("a hint in front of EXPLAIN: %s", got)
	}
	if err := f.connector.Invalidate(t.Context(), "other"); err != nil {
		t.Error(err)
	}
	f.isNoHit("select id from other")
}

func TestWishes(t *testing.T) {
	f := newFixture(t, "rule=named: hint ttl=1h", "rule=all: * ttl=1h")
	ctx := t.Context()
	ask := func(ctx context.Context) Stats {
		return f.delta(func() {
			if got, err := readAll(ctx, f.DB, byID, 1); err != nil || got != "owner 1 0" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if _, err := readAll(CacheOnly(ctx), f.DB, byID, 1); !errors.Is(err, ErrNotCached) {
		t.Error(err)
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
		want Stats
	}{
		{"first", ctx, Stats{Misses: 1, Fills: 1}},
		{"cache only", CacheOnly(ctx), Stats{Hits: 1}},
		{"bypass", Bypass(ctx), Stats{Bypassed: 1}},
		{"refresh", Refresh(ctx), Stats{Misses: 1, Fills: 1}},
		{"too old for the caller", WithTTL(ctx, 1), Stats{Misses: 1, Fills: 1}},
		{"other key", WithKey(ctx, "x"), Stats{Misses: 1, Fills: 1}},
		{"other key again", WithKey(ctx, "x"), Stats{Hits: 1}},
		{"other rule", WithRule(ctx, "named"), Stats{Misses: 1, Fills: 1}},
		{"other rule again", WithRule(ctx, "named"), Stats{Hits: 1}},
		{"no such rule", WithRule(ctx, "none"), Stats{Bypassed: 1}},
		{"as before", ctx, Stats{Hits: 1}},
	} {
		if got := ask(c.ctx); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	for _, hint := range []string{"/* pgcache: rule=named */", "/* pgcache: key=y */", "-- pgcache: ttl=10m\n"} {
		f.caches(hint + " select 1 from accounts where id = 1")
	}
}

// A verdict that is renewed has its material in common with the entries made under the old one: there is no need to keep it twice,
// and a hit sees at a glance that it is the same.
func TestRenewedVerdictKeepsMaterial(t *testing.T) {
	f := newFixture(t)
	const query = "select owner from accounts where id = 1"
	f.caches(query)
	old := f.connector.cache.texts.of(query).verdict.Load()
	f.exec(f.DB, "create table unrelated()")
	f.caches(query)
	renewed := f.connector.cache.texts.of(query).verdict.Load()
	if renewed == old || renewed.statement != old.statement || renewed.digest != old.digest {
		t.Errorf("the material is another: %p and %p", old.statement, renewed.statement)
	}
}
