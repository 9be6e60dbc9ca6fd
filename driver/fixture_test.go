package driver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// fixture is a database with a table of accounts, seen plainly and through the cache.
type fixture struct {
	t     *testing.T
	dsn   string
	plain *sql.DB
	*sql.DB
	connector *Connector
	queries   atomic.Int64 // queries that reached PostgreSQL and read the accounts
	sent      atomic.Int64 // round trips to PostgreSQL, those of dialling included
}

const accounts = `
create table accounts (id int primary key, branch int not null, owner text, balance bigint not null default 0);
insert into accounts (id, branch, owner) select g, g % 10, 'owner ' || g from generate_series(1, 1000) g;`

// newFixture makes a database of its own. The parameters follow "pgcache_": "rule=all: * ttl=1h"; "=off" is the mode.
func newFixture(t *testing.T, params ...string) *fixture {
	t.Helper()
	return fixtureOn(t, pgtest.Database(t), params...)
}

func fixtureOn(t *testing.T, dsn string, params ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, dsn: dsn, plain: openPlain(t, dsn)}
	f.exec(f.plain, accounts)
	f.DB, f.connector = f.open(params...)
	return f
}

// open opens the database through a cache of its own.
func (f *fixture) open(params ...string) (*sql.DB, *Connector) {
	f.t.Helper()
	return f.openWith(nil, params...)
}

func (f *fixture) openWith(opts []Option, params ...string) (*sql.DB, *Connector) {
	f.t.Helper()
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	config.Tracer = counting{f}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return sending{conn, f}, err
	}
	if len(params) == 0 {
		params = []string{"rule=all: * ttl=1h"}
	}
	own := strings.ReplaceAll("pgcache_"+strings.Join(quoteValues(params), " pgcache_"), "pgcache_=", "pgcache=")
	connector, err := NewConnectorConfig(config, own, opts...)
	if err != nil {
		f.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	f.t.Cleanup(func() { db.Close() })
	return db, connector
}

func quoteValues(params []string) []string {
	quoted := make([]string, len(params))
	for i, p := range params {
		name, value, _ := strings.Cut(p, "=")
		quoted[i] = name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	}
	return quoted
}

func openPlain(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// counting counts the queries that reach PostgreSQL.
type counting struct{ f *fixture }

func (c counting) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "from accounts") {
		c.f.queries.Add(1)
	}
	return ctx
}

func (counting) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// sending counts what is sent: pgx writes once a round trip.
type sending struct {
	net.Conn
	f *fixture
}

func (s sending) Write(b []byte) (int, error) {
	s.f.sent.Add(1)
	return s.Conn.Write(b)
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (f *fixture) exec(db execer, query string, args ...any) {
	f.t.Helper()
	if _, err := db.ExecContext(f.t.Context(), query, args...); err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// read gives a result as text, a line a row.
func (f *fixture) read(db queryer, query string, args ...any) string {
	f.t.Helper()
	got, err := readAll(f.t.Context(), db, query, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	return got
}

func readAll(ctx context.Context, db queryer, query string, args ...any) (string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintln(values...)))
	}
	return strings.Join(lines, "\n"), errors.Join(rows.Err(), rows.Close())
}

// want checks that a query gives the same through the cache as without.
func (f *fixture) want(query string, args ...any) {
	f.t.Helper()
	if got, want := f.read(f.DB, query, args...), f.read(f.plain, query, args...); got != want {
		f.t.Errorf("%s %v\n got %q\nwant %q", query, args, got, want)
	}
}

// delta gives what the counts grew by while do ran.
func (f *fixture) delta(do func()) Stats {
	f.t.Helper()
	before := f.connector.Stats()
	do()
	after := f.connector.Stats()
	return Stats{
		Hits: after.Hits - before.Hits, Misses: after.Misses - before.Misses, Bypassed: after.Bypassed - before.Bypassed,
		Coalesced: after.Coalesced - before.Coalesced, StaleServed: after.StaleServed - before.StaleServed,
		Fills: after.Fills - before.Fills, FillErrors: after.FillErrors - before.FillErrors,
		RejectedFills: after.RejectedFills - before.RejectedFills,
	}
}

// isHit checks that a query is answered from the cache.
func (f *fixture) isHit(query string, args ...any) {
	f.t.Helper()
	if d := f.delta(func() { f.want(query, args...) }); d.Hits != 1 {
		f.t.Errorf("%s %v: not a hit: %+v; %s", query, args, d, f.reason(query, args...))
	}
}

// isNoHit checks that a query is answered by PostgreSQL.
func (f *fixture) isNoHit(query string, args ...any) {
	f.t.Helper()
	if d := f.delta(func() { f.want(query, args...) }); d.Hits+d.Coalesced != 0 {
		f.t.Errorf("%s %v: a hit: %+v", query, args, d)
	}
}

// caches checks that a query is kept: the second time it is a hit.
func (f *fixture) caches(query string, args ...any) {
	f.t.Helper()
	f.want(query, args...)
	f.isHit(query, args...)
}

func (f *fixture) reason(query string, args ...any) string {
	return f.read(f.DB, "explain (pgcache) "+query, args...)
}

// lock holds a table so that reads of it wait, until the function it gives is called.
func (f *fixture) lock(table string) (unlock func()) {
	f.t.Helper()
	tx, err := f.plain.BeginTx(f.t.Context(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(tx, "lock table "+table+" in access exclusive mode")
	f.t.Cleanup(func() { tx.Rollback() })
	return func() {
		if err := tx.Rollback(); err != nil {
			f.t.Error(err)
		}
	}
}

// waitForLockWaiters returns once so many sessions of the database wait for a lock.
func (f *fixture) waitForLockWaiters(n int) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("%d sessions waiting for a lock", n), func() bool {
		return f.read(f.plain, `select count(*) = $1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`, n) == "true"
	})
}

// patience bounds a wait for something that is bound to come.
const patience = time.Minute

// eventually asks again and again until the condition holds.
func (f *fixture) eventually(what string, holds func() bool) {
	f.t.Helper()
	for began := time.Now(); !holds(); runtime.Gosched() {
		if time.Since(began) > patience || f.t.Failed() {
			f.t.Fatalf("never came: %s", what)
		}
	}
}

// asKeywords gives a connection string in keyword/value form, to which parameters can be added after a blank.
func asKeywords(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil || u.Scheme == "" {
		return dsn
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("host='%s' port=%d user='%s' password='%s' dbname='%s' sslmode=disable",
		config.Host, config.Port, config.User, config.Password, config.Database)
}
