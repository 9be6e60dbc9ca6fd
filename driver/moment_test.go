package driver

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What belongs to a moment, the plan of a statement, the defaults of a session, what the catalog said, is nothing to go by in another.

// seen has a statement that counts one row in UTC and two in Tokyo. The literal becomes a moment when the statement is planned.
const (
	seenTable = `create table seen (id int primary key, at timestamptz not null);
		insert into seen values (1, '2024-01-01 00:00+00'), (2, '2023-12-31 20:00+00')`
	seenThisYear = "select count(*) from seen where at >= '2024-01-01 00:00'"
)

// A plan that was made while the session was another for a time is not run for others when it is what it was again.
func TestPlanOfAnotherTimeZone(t *testing.T) {
	tokyo := map[string]func(f *fixture, conn *sql.Conn){
		"in a transaction": func(f *fixture, conn *sql.Conn) {
			f.meanwhile(conn, "set local time zone 'Asia/Tokyo'", func(tx *sql.Tx) { f.read(tx, seenThisYear) })
		},
		"past the cache": func(f *fixture, conn *sql.Conn) {
			f.exec(conn, "set time zone 'Asia/Tokyo'")
			if _, err := readAll(Bypass(f.t.Context()), conn, seenThisYear); err != nil {
				f.t.Fatal(err)
			}
			f.exec(conn, "reset time zone")
		},
		"prepared": func(f *fixture, conn *sql.Conn) {
			f.meanwhile(conn, "set local time zone 'Asia/Tokyo'", func(*sql.Tx) {
				if _, err := conn.PrepareContext(f.t.Context(), seenThisYear); err != nil {
					f.t.Fatal(err)
				}
			})
		},
	}
	for _, level := range []string{"ttl", "tracked", "strict"} {
		for name, prepare := range tokyo {
			t.Run(level+" "+name, func(t *testing.T) {
				f := newFixture(t)
				f.exec(f.plain, seenTable)
				f = f.with(func(c *pgx.ConnConfig) { c.RuntimeParams["timezone"] = "UTC" }, "consistency="+level, "feed=wal")
				conn := f.pin()
				f.eventually("a kept answer", func() bool {
					return f.delta(func() { f.read(conn, "select id from seen where id = 1") }).Hits == 1
				})
				prepare(f, conn)
				f.read(conn, seenThisYear)
				for range 3 { // in other sessions
					if got := f.read(f.DB, seenThisYear); got != "1" {
						t.Fatalf("counted %s", got)
					}
				}
			})
		}
	}
}

// meanwhile does something in a transaction that begins with a statement of its own.
func (f *fixture) meanwhile(conn *sql.Conn, first string, do func(*sql.Tx)) {
	f.t.Helper()
	tx, err := conn.BeginTx(f.t.Context(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(tx, first)
	do(tx)
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
}

// Nor one that was made under another role, whose right to a function went into it.
func TestPlanOfAnotherRole(t *testing.T) {
	const secret = "select secret(balance) from accounts where id = 1"
	for _, prepared := range []bool{false, true} {
		t.Run(fmt.Sprint("prepared ", prepared), func(t *testing.T) {
			f := newFixture(t)
			low, high := f.role("low"), f.role("high")
			f.exec(f.plain, fmt.Sprintf(`alter role %[1]s noinherit; create function secret(n bigint) returns bigint language sql immutable as 'select n + 1000';
				revoke execute on function secret from public; grant execute on function secret to %[2]s;
				grant %[2]s to %[1]s; grant select on accounts to %[1]s, %[2]s`, low, high))
			app := f.with(func(c *pgx.ConnConfig) { c.User, c.Password = low, "secret" })
			conn := app.pin()
			app.read(conn, balanceOf, 2)
			ask := func() error { _, err := readAll(t.Context(), conn, secret); return err }
			if prepared {
				stmt, err := conn.PrepareContext(t.Context(), secret)
				if err != nil {
					t.Fatal(err)
				}
				ask = func() error { var n int; return stmt.QueryRowContext(t.Context()).Scan(&n) }
			}
			app.meanwhile(conn, "set local role "+high, func(tx *sql.Tx) {
				for range 10 { // so that the plan is kept
					if err := ask(); err != nil {
						t.Fatal(err)
					}
				}
			})
			_ = ask() // PostgreSQL itself goes on with the plan
			if got, err := readAll(t.Context(), app.DB, secret); err == nil {
				t.Errorf("%s may not call the function, and was told %s", low, got)
			}
		})
	}
}

// pool opens the fixture's database through a pool.
func (f *fixture) pool(params string) *pgxpool.Pool {
	f.t.Helper()
	pool, err := pgxpool.New(f.t.Context(), f.dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(pool.Close)
	if f.connector, err = NewConnectorPool(pool, params); err != nil {
		f.t.Fatal(err)
	}
	f.DB = sql.OpenDB(f.connector)
	f.DB.SetMaxIdleConns(0) // as OpenDBPool
	f.t.Cleanup(func() { _ = f.DB.Close() })
	return pool
}

// What others have planned on a pool's connection before it was ours may be of another time zone.
func TestPlanOfAPoolsConnection(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, seenTable)
	pool := f.pool("pgcache_rule='all: * ttl=1h'")
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if _, err := tx.Exec(t.Context(), "set local time zone 'Asia/Tokyo'"); err != nil {
		t.Fatal(err)
	}
	if err := tx.QueryRow(t.Context(), seenThisYear).Scan(&n); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn.Release()
	for range 3 {
		if got := f.read(f.DB, seenThisYear); got != "1" {
			t.Fatalf("counted %s", got)
		}
	}
}

// The defaults of a new session are read again, though a pool dials for us: somebody may have changed them.
func TestDefaultsOfAPoolsConnection(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create schema other; create table other.accounts (id int primary key, balance bigint); insert into other.accounts values (1, 77)")
	pool := f.pool("pgcache_rule='all: * ttl=1h'")
	f.kept(balanceOf, 1)
	var name string
	if err := f.plain.QueryRow("select current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	f.exec(f.plain, fmt.Sprintf("alter database %s set search_path = other", name))
	pool.Reset()
	f.connector.cache.base.Load().at -= 1 << 50 // a minute and more
	f.eventually("the other schema", func() bool { return f.read(f.DB, balanceOf, 1) == "77" })
}

// A function, or a trigger, may change the schema: what was known of it is asked anew.
func TestFunctionChangesTheSchema(t *testing.T) {
	changes := map[string]string{
		"function": "select change()",
		"trigger":  "insert into triggers values (1)",
	}
	for _, how := range []string{"ttl", "auto"} {
		for name, change := range changes {
			t.Run(how+" by a "+name, func(t *testing.T) {
				f := newFixture(t)
				f.exec(f.plain, secondAccounts)
				f.exec(f.plain, `create function change() returns int language plpgsql as $$ begin
						execute 'create or replace view shown as select id, balance from others'; return 1; end $$;
					create table triggers (id int);
					create function triggered() returns trigger language plpgsql as $$ begin perform change(); return new; end $$;
					create trigger triggered after insert on triggers for each row execute function triggered()`)
				f.DB, f.connector = f.open("rule=all: * ttl=1h", "consistency="+how)
				f.caches(balanceShown)
				f.exec(f.DB, change)
				f.caches(balanceShown)
				f.exec(f.DB, "update others set balance = 101 where id = 1")
				f.caches(balanceShown)
			})
		}
	}
}

// A policy that a function has made is in force for whoever asks after it.
func TestFunctionMakesAPolicy(t *testing.T) {
	const docs = "select id, owner from accounts where id <= 2 order by id"
	f := newFixture(t)
	f.exec(f.plain, `create function lockdown() returns int language plpgsql as $$ begin
		execute 'alter table accounts enable row level security';
		execute 'create policy own on accounts using (id = current_setting(''app.tenant'')::int)'; return 1; end $$`)
	app := f.role("app")
	f.exec(f.plain, "grant select on accounts to "+app)
	as := func(tenant string) string {
		conn := f.pin()
		f.exec(conn, "set role "+app)
		f.exec(conn, "select set_config('app.tenant', $1, false)", tenant)
		defer f.exec(conn, "reset role")
		return f.read(conn, docs)
	}
	as("1")
	as("2")
	f.exec(f.DB, "select lockdown()")
	for range 3 {
		for _, tenant := range []string{"1", "2"} {
			if got := as(tenant); got != tenant+" owner "+tenant {
				t.Fatalf("tenant %s sees %q", tenant, got)
			}
		}
	}
}

// Who wants to run a statement is not held up by others who change the schema on and on.
func TestSchemaChangesOnAndOn(t *testing.T) {
	f := newFixture(t)
	f.caches(balanceOf, 1)
	c := f.connector.cache
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				c.schemaChanges()
			}
		}
	}()
	f.want(balanceOf, 1)
	f.exec(f.DB, "update accounts set balance = 5 where id = 1")
	f.want(balanceOf, 1)
	close(stop)
	<-stopped
	f.kept(balanceOf, 1)
}

// Plans that are of no use any more cost a round trip more each, for a while and not for the rest of the connection's life.
func TestPlansComeBack(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1ns", "feed=none") // which would ask for itself
	conn := f.pin()
	roundTrips := func() int64 {
		before := f.sent.Load()
		for id := range 10 {
			f.read(conn, balanceOf, id)
		}
		return f.sent.Load() - before
	}
	f.read(conn, balanceOf, 1)
	if n := roundTrips(); n != 10 {
		t.Fatalf("10 queries took %d round trips before", n)
	}
	f.meanwhile(conn, "set local time zone 'Asia/Tokyo'", func(tx *sql.Tx) { f.read(tx, balanceOf, 1) })
	t.Log(roundTrips(), "round trips after that")
	if n := roundTrips(); n != 10 {
		t.Errorf("10 queries take %d round trips then", n)
	}
}

// What somebody has prepared by name stays, whatever becomes of the plans.
func TestPreparedByNameStays(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1ns")
	conn := f.pin()
	f.read(conn, balanceOf, 1)
	f.exec(conn, "prepare mine as select 7")
	f.meanwhile(conn, "set local time zone 'Asia/Tokyo'", func(tx *sql.Tx) { f.read(tx, balanceOf, 1) })
	for id := range 2 * fewFills {
		f.read(conn, balanceOf, id)
	}
	if got := f.read(conn, "execute mine"); got != "7" {
		t.Error(got)
	}
}
