package driver

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const byID = "select owner, balance from accounts where id = $1"

func TestSecondReadIsAHit(t *testing.T) {
	f := newFixture(t)
	f.isNoHit(byID, 7)
	f.isHit(byID, 7)
	f.isNoHit(byID, 8)
	if n := f.queries.Load(); n != 2 {
		t.Errorf("PostgreSQL saw %d queries, want 2", n)
	}
}

func TestQueryRowIsKept(t *testing.T) {
	f := newFixture(t)
	var owner string
	for range 3 {
		if err := f.QueryRow("select owner from accounts order by id").Scan(&owner); err != nil || owner != "owner 1" {
			t.Fatalf("%q, %v", owner, err)
		}
	}
	if s := f.connector.Stats(); s.Hits != 2 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
	f.isHit("select owner from accounts order by id")
}

func TestPreparedStatementIsAHit(t *testing.T) {
	f := newFixture(t)
	stmt, err := f.Prepare(byID)
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	for range 3 {
		var owner string
		var balance int64
		if err := stmt.QueryRow(7).Scan(&owner, &balance); err != nil || owner != "owner 7" {
			t.Fatalf("%q, %v", owner, err)
		}
	}
	if s := f.connector.Stats(); s.Hits != 2 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
}

// Every statement that may write is seen by the next read of what it wrote, whichever way it is sent.
func TestOwnWritesAreSeen(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, `
		create table branches (id int primary key);
		create table notes (account int references accounts on delete cascade, note text);
		create table log (what text);
		create function log() returns trigger language plpgsql as $$ begin insert into log values (tg_op); return null; end $$;
		create table watched (id int);
		create trigger log after insert on watched for each statement execute function log();
		create view rich as select * from accounts where balance > 0;
		create function pay(int) returns void language sql as 'update accounts set balance = balance + 1 where id = $1';
		create table parent (id int) partition by range (id);
		create table child partition of parent for values from (0) to (1000);
		insert into notes values (5, 'x');`)
	reads := []string{
		"select sum(balance) from accounts", "select count(*) from notes", "select count(*) from log",
		"select count(*) from rich", "select count(*) from parent", "select count(*) from child",
	}
	writes := []string{
		"update accounts set balance = 1 where id = 1",
		"insert into accounts (id, branch, balance) values (2001, 1, 5) returning id",
		"with w as (update accounts set balance = 2 where id = 2 returning id) select * from w",
		"delete from accounts where id = 5",
		"insert into watched values (1)",
		"update rich set balance = balance + 1",
		"select pay(3)",
		"do $$ begin update accounts set balance = 9 where id = 9; end $$",
		"insert into parent values (1)",
		"insert into child values (2)",
		"explain analyze update accounts set balance = 7 where id = 7",
		"prepare p as update accounts set balance = 8 where id = 8",
		"execute p",
		"merge into accounts a using (values (11)) v(id) on a.id = v.id when matched then update set balance = 11",
		"truncate notes",
		"alter table accounts alter balance set default 3",
	}
	f.SetMaxOpenConns(1) // so that PREPARE and EXECUTE meet
	for _, write := range writes {
		t.Run(write, func(t *testing.T) {
			for _, read := range reads {
				f.caches(read)
			}
			f.exec(f.DB, write)
			for _, read := range reads {
				f.want(read)
			}
			f.read(f.DB, "select 1 where false /* "+write+" */")
		})
	}
}

// A write to one table leaves the answers on others where they are.
func TestOtherTablesStay(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create table other (id int)")
	f.exec(f.DB, "insert into other values (1)")
	f.caches(byID, 1)
	f.exec(f.DB, "insert into other values (2)")
	f.isHit(byID, 1)

	f.inTx(func(tx *sql.Tx) { f.exec(tx, "update other set id = 3 where id = 2") })
	f.want(byID, 1)
	f.inTx(func(tx *sql.Tx) { f.exec(tx, "update other set id = 4 where id = 3") })
	f.isHit(byID, 1)
}

func (f *fixture) inTx(do func(*sql.Tx)) {
	f.t.Helper()
	tx, err := f.Begin()
	if err != nil {
		f.t.Fatal(err)
	}
	do(tx)
	if err := tx.Commit(); err != nil {
		f.t.Fatal(err)
	}
}

func TestTransactionsBypass(t *testing.T) {
	f := newFixture(t)
	f.caches(byID, 1)
	tx, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "update accounts set balance = 42 where id = 1")
	if got := f.read(tx, byID, 1); got != "owner 1 42" {
		t.Errorf("in the transaction: %q", got)
	}
	f.want(byID, 1) // others don't see it, and what they read now is not kept
	f.isNoHit(byID, 1)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.caches(byID, 1)
	if got := f.read(f.DB, byID, 1); got != "owner 1 0" {
		t.Errorf("after the rollback: %q", got)
	}
}

// A transaction begun in SQL counts as one begun by database/sql.
func TestRawTransaction(t *testing.T) {
	f := newFixture(t)
	conn, err := f.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.caches(byID, 1)
	f.exec(conn, "begin")
	f.exec(conn, "update accounts set balance = 5 where id = 1")
	f.isNoHit(byID, 1)
	f.exec(conn, "commit and chain")
	f.want(byID, 1)
	f.exec(conn, "update accounts set balance = 6 where id = 1")
	f.exec(conn, "commit")
	f.caches(byID, 1)
	if got := f.read(conn, byID, 1); got != "owner 1 6" {
		t.Error(got)
	}
}

// What a read that overlaps a write has found is not kept.
func TestOverlappingFillIsRejected(t *testing.T) {
	f := newFixture(t)
	f.want(byID, 1)
	f.exec(f.DB, "call pgcache.flush()")
	unlock := f.lock("accounts")
	answers := make(chan string, 2)
	go func() {
		got, _ := readAll(t.Context(), f.DB, byID, 1)
		answers <- got
	}()
	f.waitForLockWaiters(1)
	go func() {
		_, err := f.Exec("update accounts set balance = 1 where id = 1")
		answers <- errorText(err)
	}()
	f.waitForLockWaiters(2)
	unlock()
	<-answers
	<-answers
	if s := f.connector.Stats(); s.RejectedFills != 1 {
		t.Errorf("%+v", s)
	}
	f.want(byID, 1)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Session state decides what a statement means; it is followed.
func TestSessionChanges(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, `create schema other; create table other.accounts (id int, owner text, balance bigint); insert into other.accounts values (1, 'other', 0)`)
	f.caches(byID, 1)
	conn, err := f.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, change := range []string{
		"set search_path = other, public",
		"select set_config('search_path', 'other', false)",
		"do $$ begin perform set_config('search_path', 'other', false); end $$",
		"set session characteristics as transaction read only; set search_path = other",
	} {
		f.read(conn, "select 1 where false")
		f.exec(conn, change)
		for range 2 {
			if got := f.read(conn, byID, 1); got != "other 0" {
				t.Errorf("after %s: %q", change, got)
			}
		}
		f.exec(conn, "reset all")
		if got := f.read(conn, byID, 1); got != "owner 1 0" {
			t.Errorf("after %s and reset: %q", change, got)
		}
	}
	f.exec(conn, "create temporary table accounts (id int, owner text, balance bigint)")
	if got := f.read(conn, byID, 1); got != "" {
		t.Errorf("beside a temporary table: %q", got)
	}
	f.caches(byID, 1)
}

func TestNotCacheable(t *testing.T) {
	f := newFixture(t)
	for _, query := range []string{
		"select owner from accounts where id = 1 for update",
		"select now() > '2020-01-01', id from accounts where id = 1",
		"select random() > 2, id from accounts where id = 1",
		"select current_date > '2020-01-01', id from accounts where id = 1",
		"select 'today'::date > '2020-01-01', id from accounts where id = 1",
		"select count(*) > 0 from pg_class",
		"select count(*) > 0 from accounts tablesample bernoulli (100)",
		"select ctid from accounts where id = 1",
		"select 'accounts'::regclass",
		"select owner from accounts where id = 1 /* pgcache: off */",
		"explain select 1 from accounts",
	} {
		f.want(query)
		f.isNoHit(query)
		if reason := f.reason(query); !strings.Contains(reason, "not cacheable") {
			t.Errorf("%s: %s", query, reason)
		}
	}
	f.isNoHit("select $1::date > '2020-01-01' from accounts where id = 1", "today")
	f.isNoHit("select $1::date > '2020-01-01' from accounts where id = 1", "today")
}

func TestErrorsAreNotKept(t *testing.T) {
	f := newFixture(t)
	for range 2 {
		got, err := readAll(t.Context(), f.DB, "select 1 / (2 - id) from accounts where id < 4 order by id")
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) || refusal.Code != "22012" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if s := f.connector.Stats(); s.Hits != 0 || s.FillErrors != 2 {
		t.Errorf("%+v", s)
	}
	f.want("select 1 from accounts where id = 1") // the connection is good
}

// With nothing to cache the connection is pgx's own.
func TestOffIsPgx(t *testing.T) {
	f := newFixture(t)
	for _, params := range []string{"", "pgcache=off pgcache_rule='all: * ttl=1m'"} {
		db, err := OpenDB(asKeywords(t, f.dsn) + " " + params)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		err = conn.Raw(func(driverConn any) error {
			if _, ok := driverConn.(*stdlib.Conn); !ok {
				t.Errorf("%q: %T", params, driverConn)
			}
			if pgxConn, ok := PgxConn(driverConn); !ok || pgxConn.Ping(t.Context()) != nil {
				t.Errorf("%q: no pgx connection", params)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// What is done to the raw connection is not seen, so everything counts as changed.
func TestRawAccess(t *testing.T) {
	f := newFixture(t)
	f.caches(byID, 1)
	conn, err := f.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Raw(func(driverConn any) error {
		pgxConn, ok := PgxConn(driverConn)
		if !ok {
			t.Fatal("no pgx connection")
		}
		_, err := pgxConn.Exec(context.Background(), "update accounts set balance = 77 where id = 1")
		f.want(byID, 1) // from another connection, before the raw one is given back
		f.isNoHit(byID, 1)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	f.want(byID, 1)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	f.caches(byID, 1)
}

// A transaction that only reads, begun in SQL and with a snapshot exported, leaves what is cached alone, once it is known
// what its statements call: inside the first one the catalog can't be asked.
func TestReadingTransactionTouchesNothing(t *testing.T) {
	f := newFixture(t)
	f.caches(byID, 1)
	f.caches("select count(*) from accounts")
	for n := range 2 {
		conn, err := f.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.exec(conn, "begin isolation level repeatable read read only")
		if f.read(conn, "select pg_export_snapshot() is not null") != "true" {
			t.Error("no snapshot")
		}
		f.exec(conn, "savepoint s")
		f.read(conn, "select count(*) from accounts")
		f.exec(conn, "rollback to savepoint s")
		f.exec(conn, "rollback")
		conn.Close()
		if n > 0 {
			f.isHit(byID, 1)
		}
		f.caches(byID, 1)
	}
}
