package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gopgcache/pgcache/cachestore"
)

const hiding = `
create function bump(int) returns int language plpgsql volatile as 'begin update accounts set balance = balance + 1 where id = 1; return $1; end';
create function with_default(a int default bump(1)) returns int language sql immutable as 'select a';
create function dated(a timestamptz default current_timestamp) returns timestamptz language sql immutable as 'select a';
create function this_is_a_function_with_a_name_of_exactly_sixty_three_bytes_ok_(int) returns int language sql volatile as 'select bump($1)';
create domain checked as int check (bump(value) > 0);
create type pair as (a checked);
create domain preset as int default bump(1);
create table defaults (a int, d preset);
create table pairs (p pair);
create table texts (s text); insert into texts values ('now');
create view times as select s::timestamptz as at from texts;
create function peek(int) returns int language plpgsql stable as 'begin return bump($1); end';`

// Whatever a write hides behind, the next read of what it wrote sees it.
func TestHiddenWrites(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, hiding)
	for _, write := range []string{
		"select (1).bump", "select (id).bump from accounts where id = 1", "select with_default()",
		"select this_is_a_function_with_a_name_of_exactly_sixty_three_bytes_ok_and_more(1)", "select checked(1)", "select 1::checked",
		"select '(1)'::pair", "insert into pairs values ('(1)')", "insert into defaults (a) values (1)",
		"explain select 1 from accounts where id > peek(1)", "select peek(1)",
	} {
		f.caches(byID, 1)
		if _, err := f.Exec(write); err != nil {
			t.Errorf("%s: %v", write, err)
		}
		if got, want := f.read(f.DB, byID, 1), f.read(f.plain, byID, 1); got != want {
			t.Errorf("after %s: %q, want %q", write, got, want)
		}
	}
}

// What depends on the time is not cached, whatever it hides behind.
func TestHiddenTimes(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, hiding)
	for _, query := range []string{
		"select dated() is null", "select s::timestamptz is null from texts", "select at is null from times", "select ('2020-01-01'::timestamptz).age is null",
		"select reverse('won')::timestamptz is null", "select (select min(s::timestamptz) from texts) is null", "select with_default() is null",
	} {
		if reason := f.reason(query); !strings.Contains(reason, "not cacheable") {
			t.Errorf("%s: %s", query, reason)
		}
	}
	for _, arg := range []any{`{n\ow}`, `["n"ow,)`, moment(1), moments("now")} {
		for range 2 {
			d := f.delta(func() {
				_, _ = readAll(t.Context(), f.DB, "select 1 from accounts where id = 1 and $1::text is not null", arg)
			})
			if d.Hits != 0 || d.Misses != 0 {
				t.Errorf("%#v: %+v", arg, d)
			}
		}
		f.exec(f.DB, "call pgcache.flush()")
	}
}

type moment int

func (moment) String() string { return "now" }

type moments []byte

// Times that are the same instant are not the same argument: pgx writes a zone's name into a text.
func TestTimesAsTexts(t *testing.T) {
	f := newFixture(t)
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	winter := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{winter, winter.In(london), winter} {
		f.want("select $1::text from accounts where id = 1", at)
	}
}

// A session of a pool's may be another than a fresh one: a write is judged by the session that runs it.
func TestPoolWithChangedSessions(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create schema tenant; create table tenant.accounts (id int, owner text, balance bigint); insert into tenant.accounts values (1, 'tenant', 0)")
	config, err := pgxpool.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	db, err := OpenDBPool(pool, "pgcache_rule='all: * ttl=1h'")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const query = "select balance from tenant.accounts where id = 1"
	f.read(db, query)
	if _, err := pool.Exec(t.Context(), "set search_path = tenant"); err != nil {
		t.Fatal(err)
	}
	f.exec(db, "update accounts set balance = 9 where id = 1")
	if got := f.read(db, query); got != "9" {
		t.Error(got)
	}
}

// pgconn's own hook makes sessions differ as well as ours.
func TestConfigHookMakesTheSession(t *testing.T) {
	f := newFixture(t)
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	type tenant struct{}
	f.exec(f.plain, "create schema a; create schema b; create table a.who as select 'a' as name; create table b.who as select 'b' as name")
	config.RuntimeParams["search_path"] = "public"
	connector, err := NewConnectorConfig(config, "pgcache_rule='all: * ttl=1h'", WithBeforeConnect(func(ctx context.Context, c *pgx.ConnConfig) error {
		params := map[string]string{"search_path": ctx.Value(tenant{}).(string)}
		c.RuntimeParams = params
		return nil
	}))
	db, err := openConnector(connector, err)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, name := range []string{"a", "b"} {
		ctx := context.WithValue(t.Context(), tenant{}, name)
		conn, err := db.Conn(ctx) // held, so that each tenant has a session of its own
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for range 2 {
			if got, err := readAll(ctx, conn, "select name from who"); err != nil || got != name {
				t.Errorf("tenant %s got %q, %v", name, got, err)
			}
		}
	}
}

// With rows open on its connection nothing else can be done there, and nobody waits for the rows in vain. They can be read on, and
// the connection is well afterwards.
func TestBusyConnection(t *testing.T) {
	for _, query := range []string{
		"select a.id, b.owner from accounts a, accounts b",                         // a fill
		"select a.id, b.owner from accounts a, accounts b where now() is not null", // passed on
	} {
		f := newFixture(t)
		conn := f.pin()
		f.read(conn, byID, 1)
		f.exec(f.DB, "create table unrelated ()") // so that there is something to ask again
		f.read(f.DB, byID, 1)
		rows, err := conn.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		rows.Next()
		_, errBegin := conn.BeginTx(t.Context(), nil)
		_, errPrepare := conn.PrepareContext(t.Context(), "select 1")
		_, errExec := conn.ExecContext(t.Context(), "update accounts set balance = 1 where id = 1")
		_, errQuery := readAll(t.Context(), conn, byID, 2)
		_, errPassed := readAll(t.Context(), conn, "select now()")
		for _, err := range []error{errBegin, errPrepare, errExec, errQuery, errPassed} {
			if !errors.Is(err, errBusy) {
				t.Error(err)
			}
		}
		n := 1
		for rows.Next() {
			n++
		}
		if rows.Err() != nil || n < 100 {
			t.Errorf("%d rows, %v", n, rows.Err())
		}
		f.exec(conn, "update accounts set balance = balance + 1 where id = 1")
		if got, want := f.read(conn, byID, 1), f.read(f.plain, byID, 1); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A context that ends just as the result has come gives its error, and never no rows and no error.
func TestContextEndsWithTheFill(t *testing.T) {
	f := newFixture(t)
	ctx, leave := context.WithCancel(t.Context())
	f.connector.cache.store = leaving{f.connector.cache.store, leave}
	var owner string
	err := f.QueryRowContext(ctx, "select owner from accounts where id = -1").Scan(&owner)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, sql.ErrNoRows) {
		t.Error(err)
	}
}

// leaving is a store whose Put ends the caller's context.
type leaving struct {
	cachestore.Store
	leave func()
}

func (s leaving) Put(ctx context.Context, key cachestore.Key, e *cachestore.Entry) error {
	s.leave()
	return s.Store.Put(ctx, key, e)
}

// Defaults of roles and databases that are changed through the cache count for sessions that begin after.
func TestDefaultsChange(t *testing.T) {
	f := newFixture(t)
	const query = "select '2026-01-01 00:00:00+00'::timestamptz::text from accounts where id = 1"
	f.caches(query)
	f.exec(f.DB, "do $$ begin execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); end $$")
	f.SetMaxIdleConns(0)
	f.plain.SetMaxIdleConns(0)
	f.want(query)
	f.want(query)
}

// A partition that somebody else has made is written: who read the table sees it.
func TestPartitionMadeElsewhere(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create table parts (id int) partition by range (id); create table low partition of parts for values from (0) to (10)")
	f.caches("select count(*) from parts")
	f.exec(f.plain, "create table high partition of parts for values from (10) to (20)")
	f.exec(f.DB, "insert into high values (11)")
	f.want("select count(*) from parts")
}

// With backslashes that escape, a text may hold other statements than it seems to.
func TestBackslashesThatEscape(t *testing.T) {
	f := newFixture(t)
	f.SetMaxOpenConns(1)
	f.caches(byID, 1)
	f.exec(f.DB, "set standard_conforming_strings = off")
	f.exec(f.DB, `select '\', '; update accounts set balance = 77 where id = 1; --'`)
	f.exec(f.DB, "reset all")
	f.want(byID, 1)
}

// One question that fails does not keep a statement out for good.
func TestRefusalDoesNotStick(t *testing.T) {
	f := newFixture(t)
	conn, err := f.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.exec(conn, "set statement_timeout = 1")
	for range 5 {
		_, _ = readAll(t.Context(), conn, "select count(*) from accounts a") // the question may time out
	}
	f.exec(conn, "reset all")
	f.caches("select count(*) from accounts a")
}

// inTenant has a statement read and write the tenant's table.
type inTenant struct{}

func (inTenant) RewriteQuery(_ context.Context, _ *pgx.Conn, sql string, args []any) (string, []any, error) {
	return strings.ReplaceAll(sql, "accounts", "tenant.accounts"), args, nil
}

// toTenant makes a change of the session of any statement.
type toTenant struct{}

func (toTenant) RewriteQuery(context.Context, *pgx.Conn, string, []any) (string, []any, error) {
	return "set search_path = tenant", nil, nil
}

// What a statement is rewritten to by the program is not known, so it may be anything.
func TestRewrittenStatements(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create schema tenant; create table tenant.accounts as select * from accounts")
	const ofTenant = "select balance from tenant.accounts where id = 1"
	f.caches(ofTenant)
	f.exec(f.DB, "update accounts set balance = balance + 1 where id = $1", inTenant{}, 1)
	f.want(ofTenant)
	conn := f.pin()
	f.exec(f.plain, "update tenant.accounts set owner = 'of tenant'")
	f.read(conn, byID, 1)
	f.exec(conn, "select 1", toTenant{})
	if got := f.read(conn, byID, 1); got != "of tenant 1" {
		t.Errorf("in the tenant's schema: %s", got)
	}
}

// ticket is another number each time that it is asked.
type ticket struct{ n *int64 }

func (t ticket) Value() (driver.Value, error) {
	*t.n++
	return *t.n, nil
}

// An argument that says something else each time is answered by PostgreSQL each time: no answer is kept as that to another question.
func TestArgumentsThatMove(t *testing.T) {
	f := newFixture(t)
	const query = "select id from accounts where id = $1"
	for range 3 {
		if s := f.delta(func() { f.read(f.DB, query, ticket{new(int64)}) }); s.Misses != 1 {
			t.Errorf("it was not asked for: %+v", s)
		}
	}
	f.caches(query, named("1"))
}

// asked is a Valuer that tells how often it was asked.
type asked struct {
	calls *int
	tell  func(call int)
}

func (a asked) Value() (driver.Value, error) {
	*a.calls++
	a.tell(*a.calls)
	return int64(1), nil
}

// Arguments are not asked for their values once a fill says that it has done with them: then the caller may have them back.
func TestArgumentsAreAskedInTime(t *testing.T) {
	f := newFixture(t)
	flights, calls := &f.connector.cache.flights, 0
	f.read(f.DB, "select id from accounts where id = $1", asked{&calls, func(call int) {
		flights.mu.Lock()
		defer flights.mu.Unlock()
		for _, fl := range flights.byKey {
			if fl.fill != nil && fl.fill.sent.Load() {
				t.Errorf("it is asked a %d. time, and was sent", call)
			}
		}
	}})
	if calls != 3 {
		t.Errorf("it was asked %d times", calls)
	}
}

// named is a Valuer that says the same each time.
type named string

func (n named) Value() (driver.Value, error) { return string(n), nil }
