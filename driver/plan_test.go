package driver

import (
	"database/sql"
	"fmt"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shadowing makes two schemas that are looked through one after the other, with a table in the second.
const shadowing = `create schema early; create schema late; create table late.shadow as select 0 as v`

// A statement that was prepared before a table came to be that goes first still reads the other one. That is right for its
// session, and is not kept for others.
func TestOldPlansAreNotKept(t *testing.T) {
	const query = "select v from shadow"
	f := newFixture(t)
	f.exec(f.plain, shadowing)
	a, b, c := f.pin(), f.pin(), f.pin()
	for _, conn := range []execer{a, b, c} {
		f.exec(conn, "set search_path = early, late")
	}
	stmt, err := b.PrepareContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	prepared := func() (v int) {
		t.Helper()
		if err := stmt.QueryRow().Scan(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	f.readsOn(a, "0", 0, query)
	if got := prepared(); got != 0 {
		t.Error(got)
	}
	f.exec(c, "create table early.shadow as select 1 as v")
	f.readsOn(a, "1", 0, query)
	f.readsOn(c, "1", 1, query)
	if got := prepared(); got != 1 {
		t.Errorf("prepared: %d", got)
	}
	f.exec(f.plain, "drop table early.shadow") // behind the driver's back
	f.age()
	f.readsOn(a, "0", 0, query)
	f.exec(f.plain, "create table early.shadow as select 2 as v")
	f.age()
	f.readsOn(a, "2", 0, query)
	f.readsOn(c, "2", 1, query)
}

// A plan into which a function went as one role may call it is not good for what another is given.
func TestPlansOfAnotherRoleAreNotKept(t *testing.T) {
	f := newFixture(t)
	role := f.role("plain")
	f.exec(f.plain, "create function twice(int) returns int language sql immutable as 'select $1 * 2'; revoke execute on function twice from public")
	const query = "select twice(id) from accounts where id = 1"
	a, b := f.pin(), f.pin()
	f.readsOn(a, "2", 0, query)
	f.exec(a, fmt.Sprintf("set role %q", role))
	f.exec(b, fmt.Sprintf("set role %q", role))
	for _, conn := range []queryer{a, b} {
		if got, err := readAll(t.Context(), conn, query); err == nil {
			t.Errorf("a role without the right read %q", got)
		}
	}
}

// What the caller has prepared by SQL stays when the schema changes.
func TestPreparedBySQL(t *testing.T) {
	f := newFixture(t)
	conn := f.pin()
	f.read(conn, byID, 1)
	f.exec(conn, "prepare mine as select 1 as one")
	f.exec(conn, "create table other (a int)")
	f.read(conn, byID, 1)
	if got := f.read(conn, "execute mine"); got != "1" {
		t.Error(got)
	}
}

// Of several statements in one text, the first may change what the names of the second stand for.
func TestSeveralStatements(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, `create schema other; create table a (v int); create table other.a (v int);
		create view sly as select set_config('search_path', 'other', false)`)
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	connector, err := NewConnectorConfig(config, "pgcache_rule='all: * ttl=1h'")
	db, err := openConnector(connector, err)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	const query = "select count(*) from other.a"
	f.read(conn, query)
	f.exec(conn, "select * from sly; insert into a values (1)")
	if got := f.read(conn, query); got != "1" {
		t.Error(got)
	}
}

// A statement that was planned before anything was asked about it is planned again: somebody else may have changed what its names
// stand for in between.
func TestPlansBeforeTheFirstAnswer(t *testing.T) {
	const query = "select v from shadow"
	for name, plan := range map[string]func(f *fixture, conn *sql.Conn) (read func() string){
		"in a transaction": func(f *fixture, conn *sql.Conn) func() string {
			tx, err := conn.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			f.read(tx, query)
			f.exec(f.plain, "create table early.shadow as select 1 as v")
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
			return func() string { return f.read(conn, query) }
		},
		"as a statement": func(f *fixture, conn *sql.Conn) func() string {
			stmt, err := conn.PrepareContext(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			f.exec(f.plain, "create table early.shadow as select 1 as v")
			return func() (v string) {
				if err := stmt.QueryRow().Scan(&v); err != nil {
					t.Fatal(err)
				}
				return v
			}
		},
		"beside a statement": func(f *fixture, conn *sql.Conn) func() string {
			if _, err := conn.PrepareContext(t.Context(), query); err != nil {
				t.Fatal(err)
			}
			f.exec(f.plain, "create table early.shadow as select 1 as v")
			return func() string { return f.read(conn, query) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.exec(f.plain, shadowing)
			f = f.with(func(c *pgx.ConnConfig) { c.RuntimeParams["search_path"] = "early, late" }, "feed=none")
			a, b := f.pin(), f.pin()
			read := plan(f, a)
			for range 3 {
				read() // what the session itself is given is its own affair
			}
			other, err := b.PrepareContext(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			elsewhere := func(want string) {
				t.Helper()
				var prepared string
				if err := other.QueryRow().Scan(&prepared); err != nil {
					t.Fatal(err)
				}
				if got := f.read(f.DB, query); got != want || prepared != want {
					t.Errorf("in other sessions: read %s, and %s by a statement, want %s", got, prepared, want)
				}
			}
			elsewhere("1")
			f.exec(f.DB, "update early.shadow set v = v + 1")
			read()
			elsewhere("2")
		})
	}
}

// Nor is it known that a write was planned so long ago: it goes on writing the table that is hidden by now.
func TestOldPlansOfWrites(t *testing.T) {
	const write, hidden = "update shadow set v = v + $1", "select v from late.shadow"
	for _, feed := range []string{"none", "wal"} {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprintf("feed %s, prepared %v", feed, prepared), func(t *testing.T) {
				f := newFixture(t)
				f.exec(f.plain, shadowing+"; alter table late.shadow add primary key (v)")
				f.DB, f.connector = f.open("rule=all: * ttl=1h", "feed="+feed)
				f.kept(hidden)
				conn := f.pin()
				f.exec(conn, "set search_path = early, late")
				do := func() { f.exec(conn, write, 1) }
				if prepared {
					stmt, err := conn.PrepareContext(t.Context(), write)
					if err != nil {
						t.Fatal(err)
					}
					do = func() {
						if _, err := stmt.Exec(1); err != nil {
							t.Fatal(err)
						}
					}
				}
				do()
				f.exec(f.DB, "create table early.shadow as select 100 as v")
				f.kept(hidden)
				do()
				f.want(hidden)
				f.want("select v from early.shadow")
			})
		}
	}
}

const ofShadow = "select v from shadow"

// overshadowed gives two connections, of which the first holds a plan of ofShadow from before somebody else made a table that goes first.
func overshadowed(t *testing.T) (f *fixture, a, b *sql.Conn) {
	t.Helper()
	f = newFixture(t)
	f.exec(f.plain, shadowing)
	f = f.with(func(c *pgx.ConnConfig) { c.RuntimeParams["search_path"] = "early, late" }, "feed=none")
	a, b = f.pin(), f.pin()
	f.read(a, ofShadow)
	f.exec(f.plain, "create table early.shadow as select 1 as v")
	return f, a, b
}

// When all that the catalog said has been forgotten, because it was too much, plans from before count no more.
func TestPlansOutliveNoAnswer(t *testing.T) {
	f, a, b := overshadowed(t)
	answers := &f.connector.cache.answers
	for i := 0; answers.put(&answer{question: question{nil, strconv.Itoa(i)}}); i++ {
		if len(answers.known) == maxAnswers {
			break
		}
	}
	f.read(b, "select 1 from late.shadow where v = 9") // and one more
	f.read(a, ofShadow)
	if got := f.read(b, ofShadow); got != "1" {
		t.Errorf("in another session: read %s", got)
	}
}

// An answer that could not be asked for again is one that the next is held against.
func TestDroppedAnswersAreRemembered(t *testing.T) {
	f, a, b := overshadowed(t)
	c := f.connector.cache
	c.answers.drop(c.texts.of(ofShadow).verdict.Load().answer.question)
	f.age()
	f.read(a, ofShadow)
	if got := f.read(b, ofShadow); got != "1" {
		t.Errorf("in another session: read %s", got)
	}
}
