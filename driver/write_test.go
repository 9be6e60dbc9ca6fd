package driver

import (
	"database/sql"
	"fmt"
	"testing"
)

// A write that waits for the end of a change of the schema does what the new schema says: what it writes then is known when it has
// been acknowledged.
func TestWriteBehindSchemaChange(t *testing.T) {
	// PostgreSQL looks up what a name stands for, which triggers there are and which keys refer to a row once it has the table's lock.
	// Who is held lies in wait, in a trigger that the write was not known to fire, until nobody holds the number 7 any more.
	const held = `
		create function hold() returns trigger language plpgsql as
			'begin perform pg_advisory_xact_lock(7); return coalesce(new, old); end';
		create table a (id int primary key, n int); insert into a values (1, 0);
		create table b (id int primary key, n int); insert into b values (1, 100);`
	for name, c := range map[string]struct{ setup, change, write, read string }{
		"another table": {
			`create trigger held before update on b for each row execute function hold()`,
			`alter table a rename to old; alter table b rename to a`,
			`update a set n = n + 1 where id = 1`, `select n from a`,
		},
		"a trigger": {
			`create function note() returns trigger language plpgsql as
				'begin perform pg_advisory_xact_lock(7); insert into b values (2, new.n); return new; end'`,
			`create trigger noted before update on a for each row execute function note()`,
			`update a set n = n + 1 where id = 1`, `select count(*) from b`,
		},
		"a foreign key": {
			`create trigger held before delete on b for each row execute function hold()`,
			`alter table b add foreign key (id) references a on delete cascade`,
			`delete from a where id = 1`, `select count(*) from b`,
		},
	} {
		for _, level := range []string{"ttl", "tracked", "strict"} {
			t.Run(name+" "+level, func(t *testing.T) {
				f := newFixture(t)
				f.exec(f.plain, held)
				f.exec(f.plain, c.setup)
				f.openAt(level)
				f.exec(f.DB, "update a set n = n where id = 0") // it is known what it writes
				holder, err := f.plain.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer holder.Close()
				f.exec(holder, "select pg_advisory_lock(7)")
				writer := f.pin()
				f.exec(writer, c.write+" and false") // it is known which session it is
				f.behindOn(writer, c.change, c.write, func() {
					f.eventually("the write is held", func() bool {
						return f.read(f.plain, "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = "+
							"(select oid from pg_database where datname = current_database())") == "1"
					})
					f.eventually("an answer, as far as one can be kept", func() bool {
						before := f.connector.Stats()
						f.read(f.DB, c.read)
						after := f.connector.Stats()
						return after.Hits > before.Hits || after.RejectedFills > before.RejectedFills || after.Bypassed > before.Bypassed
					})
					f.exec(holder, "select pg_advisory_unlock(7)")
				})
				if got, want := f.read(f.DB, c.read), f.read(f.plain, c.read); got != want {
					t.Errorf("after the write: got %s, want %s", got, want)
				}
			})
		}
	}
}

// behindOn runs a statement that waits for a change of the schema to be committed, and does something between that and its end.
func (f *fixture) behindOn(conn *sql.Conn, change, query string, meanwhile func()) {
	f.t.Helper()
	tx, err := f.BeginTx(f.t.Context(), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer tx.Rollback()
	f.exec(tx, change)
	done := make(chan error, 1)
	go func() {
		_, err := readAll(f.t.Context(), conn, query)
		done <- err
	}()
	f.waitForLockWaiters(1)
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
	meanwhile()
	if err := <-done; err != nil {
		f.t.Fatal(err)
	}
}

// perTenant has a view that shows nobody anything, until it is made to show each tenant its own.
const (
	perTenant = `create table secrets (id int primary key, tenant text); insert into secrets values (1, '1'), (2, '2');
		create view shown_to as select id from secrets where tenant = 'nobody'`
	toTenants  = `create or replace view shown_to as select id from secrets where tenant = current_setting('app.tenant', true)`
	ofMyTenant = "select id from shown_to"
)

// Who waits for another session's fill is not given what it reads by a schema that has changed since it set out.
func TestJoinedBehindSchemaChange(t *testing.T) {
	for _, level := range []string{"ttl", "tracked", "strict"} {
		for _, own := range []bool{true, false} {
			if level == "ttl" && !own {
				continue // that is noticed within a minute
			}
			t.Run(fmt.Sprintf("%s, own %v", level, own), func(t *testing.T) {
				f := newFixture(t)
				f.exec(f.plain, perTenant)
				f.openAt(level)
				one, two := f.pin(), f.pin()
				f.exec(one, "set app.tenant = '1'")
				f.exec(two, "set app.tenant = '2'")
				f.read(one, ofMyTenant)
				f.read(two, ofMyTenant)
				f.exec(f.DB, "update secrets set tenant = tenant") // nothing is kept any more
				db := f.plain
				if own {
					db = f.DB
				}
				tx, err := db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
				f.exec(tx, toTenants)
				read := func(conn *sql.Conn) <-chan result {
					answers := make(chan result, 1)
					go func() { got, err := readAll(t.Context(), conn, ofMyTenant); answers <- result{got, err} }()
					return answers
				}
				first := read(one)
				f.waitForLockWaiters(1)
				second := read(two)
				f.eventually("the second waits, for the first or for the lock", func() bool {
					return f.waiting() == 1 || f.read(f.plain, `select count(*) from pg_stat_activity
						where datname = current_database() and wait_event_type = 'Lock'`) == "2"
				})
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				if r := <-first; r.err != nil || r.text != "1" {
					t.Errorf("tenant 1: %q, %v", r.text, r.err)
				}
				if r := <-second; r.err != nil || r.text != "2" {
					t.Errorf("tenant 2: %q, %v", r.text, r.err)
				}
			})
		}
	}
}

// openAt opens the database at a level; where that takes a feed, the feed has installed what it needs.
func (f *fixture) openAt(level string) {
	f.t.Helper()
	if level == "ttl" {
		f.DB, f.connector = f.open("rule=all: * ttl=1h", "feed=none")
		return
	}
	f.DB, f.connector = f.open("rule=all: * ttl=1h consistency="+level, "feed=wal")
	f.eventually("a feed that has installed what it needs", func() bool {
		_, err := readAll(f.t.Context(), f.DB, byID, 1)
		return err == nil && f.connector.Stats().Feed != "none"
	})
}

// COMMIT AND CHAIN makes a change of the schema visible: what was learned before it counts no more.
func TestSchemaChangeAndChain(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "feed=none")
	f.exec(f.plain, perTenant)
	changes := f.connector.cache.schema.Load
	writer := f.pin()
	f.exec(writer, "begin")
	f.exec(writer, toTenants)
	before := changes()
	f.exec(writer, "commit and chain")
	if changes() == before {
		t.Error("the change has become visible, and nobody is told")
	}
	f.exec(writer, "commit")
}

// A write behind a change of the schema may have changed the session, by a trigger that was not there when it was judged.
func TestSessionBehindSchemaChange(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "feed=none")
	f.exec(f.plain, perTenant+`; create table a (id int primary key, n int); insert into a values (1, 0);
		create function move() returns trigger language plpgsql as
			'begin perform set_config(''app.tenant'', ''2'', false); return new; end'`)
	f.exec(f.plain, toTenants)
	writer := f.pin()
	f.exec(writer, "set app.tenant = '1'")
	f.readsOn(writer, "1", 0, ofMyTenant)
	f.readsOn(writer, "1", 1, ofMyTenant)
	f.behindOn(writer, `create trigger moved before update on a for each row execute function move()`,
		`update a set n = n + 1 where id = 1`, func() {})
	other := f.pin() // so that there is an answer for the first tenant
	f.exec(other, "set app.tenant = '1'")
	f.read(other, ofMyTenant)
	if got := f.read(writer, ofMyTenant); got != "2" {
		t.Errorf("read %s, and the session is the second tenant's", got)
	}
}

// A read behind a change of the schema may be a write, whether it is a fill or passed on.
func TestReadBehindSchemaChange(t *testing.T) {
	for _, read := range []string{"select n from v", "/* pgcache: off */ select n from v"} {
		f := newFixture(t, "rule=all: * ttl=1h", "feed=none")
		f.exec(f.plain, `create table a (id int primary key, n int); insert into a values (1, 0);
			create table b (id int primary key, n int); insert into b values (1, 100);
			create view v as select id, n from a;
			create function bump() returns int language plpgsql as
				'begin perform pg_advisory_xact_lock(7); update b set n = n + 1; return 1; end'`)
		holder, err := f.plain.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.exec(holder, "select pg_advisory_lock(7)")
		reader := f.pin()
		f.read(reader, read+" where false")
		f.behindOn(reader, "create or replace view v as select id, bump() as n from a", read, func() {
			f.eventually("the read is held", func() bool {
				return f.read(f.plain, "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = "+
					"(select oid from pg_database where datname = current_database())") == "1"
			})
			f.caches("select n from b")
			f.exec(holder, "select pg_advisory_unlock(7)")
		})
		f.want("select n from b")
		holder.Close()
	}
}

// What a transaction has left for its end is done by what the functions are then.
func TestDeferredBehindSchemaChange(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "feed=none")
	f.exec(f.plain, `create table a (id int primary key, n int); insert into a values (1, 0);
		create table b (id int primary key, n int); insert into b values (1, 100);
		create function check_a() returns trigger language plpgsql as
			$$begin if new.n < 0 then raise exception 'negative'; end if; return null; end$$;
		create constraint trigger checked after update on a deferrable initially deferred for each row execute function check_a()`)
	f.exec(f.DB, "update a set n = n where id = 0")
	tx, err := f.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	f.exec(tx, "update a set n = 2 where id = 1")
	f.exec(f.DB, `create or replace function check_a() returns trigger language plpgsql as
		'begin update b set n = n + 1; return null; end'`)
	f.read(f.DB, "select count(*) from accounts")
	f.read(tx, "select count(*) from accounts") // with a lock that is new to it the session hears of the change
	f.caches("select n from b")
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	f.want("select n from b")
}
