package driver

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/driver/internal/ahead"
	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

const balanceOf = "select balance from accounts where id = $1"

// newTracked makes a fixture that follows the changes of its database by a feed, and waits until it does.
func newTracked(t *testing.T, feed string, params ...string) *fixture {
	t.Helper()
	f := newFixture(t)
	if len(params) == 0 {
		params = []string{"rule=all: * ttl=1h"}
	}
	f.DB, f.connector = f.open(append(params, "feed="+feed)...)
	f.follows()
	return f
}

// bothFeeds runs a test with each feed.
func bothFeeds(t *testing.T, test func(t *testing.T, feed string)) {
	for _, feed := range []string{"wal", "touch"} {
		t.Run(feed, func(t *testing.T) { test(t, feed) })
	}
}

// follows waits until the feed has begun.
func (f *fixture) follows() {
	f.t.Helper()
	f.read(f.DB, "select 1 from accounts where id = 0")
	f.eventually("a feed", func() bool { return f.connector.Stats().Feed != "none" })
}

// kept asks until the answer comes from the cache.
func (f *fixture) kept(query string, args ...any) {
	f.t.Helper()
	f.eventually("a hit of "+query, func() bool {
		return f.delta(func() { f.want(query, args...) }).Hits == 1
	})
}

// What somebody else writes is seen when the feed has told of it.
func TestOutsideWritesAreSeen(t *testing.T) { bothFeeds(t, outsideWritesAreSeen) }

func outsideWritesAreSeen(t *testing.T, feed string) {
	f := newTracked(t, feed)
	f.kept(balanceOf, 1)
	f.isHit(balanceOf, 1)
	if f.queries.Load() == 0 {
		t.Error("the caller's tracer was not told of the fill")
	}
	for i := range 20 {
		f.exec(f.plain, "update accounts set balance = $1 where id = 1", i+1)
		f.eventually("the new balance", func() bool { return f.read(f.DB, balanceOf, 1) == fmt.Sprint(i+1) })
		f.kept(balanceOf, 1)
	}
}

// Whoever has written reads it at once, on any connection.
func TestOwnWritesAreSeenAtOnce(t *testing.T) { bothFeeds(t, ownWritesAreSeenAtOnce) }

func ownWritesAreSeenAtOnce(t *testing.T, feed string) {
	f := newTracked(t, feed)
	for i := range 500 {
		f.read(f.DB, balanceOf, 1)
		f.exec(f.DB, "update accounts set balance = $1 where id = 1", i+1)
		if got := f.read(f.DB, balanceOf, 1); got != fmt.Sprint(i+1) {
			t.Fatalf("read %s after writing %d", got, i+1)
		}
	}
	f.kept(balanceOf, 1)
}

// A change of one row leaves what was read of the others.
func TestRowsAreToldApart(t *testing.T) {
	f := newTracked(t, "wal")
	f.kept(balanceOf, 1)
	f.kept(balanceOf, 2)
	f.kept("select sum(balance) from accounts")
	f.exec(f.plain, "update accounts set balance = 7 where id = 2")
	f.eventually("the new balance", func() bool { return f.read(f.DB, balanceOf, 2) == "7" })
	f.isHit(balanceOf, 1)
	f.isNoHit("select sum(balance) from accounts")
	if reason := f.reason(balanceOf, 1); !strings.Contains(reason, "rows of public.accounts by id") || !strings.Contains(reason, "consistency tracked") {
		t.Error(reason)
	}
	f.exec(f.plain, "truncate accounts")
	f.eventually("nothing", func() bool { return f.read(f.DB, balanceOf, 1) == "" })
}

// At the level strict what has been acknowledged to anybody is seen by everybody, hit or not.
func TestStrictReadsSeeEverything(t *testing.T) { bothFeeds(t, strictReadsSeeEverything) }

func strictReadsSeeEverything(t *testing.T, feed string) {
	f := newTracked(t, feed, "rule=all: * ttl=1h consistency=strict")
	hits := f.connector.Stats().Hits
	for i := range 200 {
		f.exec(f.plain, "update accounts set balance = $1 where id = 1", i+1)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 3 {
					if got, err := readAll(t.Context(), f.DB, balanceOf, 1); err != nil || got != fmt.Sprint(i+1) {
						t.Errorf("read %s after %d was written, %v", got, i+1, err)
					}
				}
			})
		}
		wg.Wait()
	}
	s := f.connector.Stats()
	t.Logf("%d hits, %d misses, %d coalesced, %d rejected fills", s.Hits-hits, s.Misses, s.Coalesced, s.RejectedFills)
	f.kept(balanceOf, 1)
}

// What is asked for by name and can't be had is an error that says what to do; CALL and SHOW work all the same.
func TestALevelThatCantBeHad(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "consistency=tracked")
	f.eventually("an error", func() bool {
		_, err := readAll(t.Context(), f.DB, balanceOf, 1)
		return errors.Is(err, ErrConsistency) && strings.Contains(err.Error(), "CALL pgcache.install()")
	})
	if got := f.read(f.DB, "show pgcache.feed"); !strings.Contains(got, "publication pgcache missing CALL pgcache.install()") {
		t.Error(got)
	}
	f.exec(f.DB, "call pgcache.install('public.accounts')")
	f.eventually("a hit", func() bool {
		return f.delta(func() { _, _ = readAll(t.Context(), f.DB, balanceOf, 1) }).Hits == 1
	})
	if got := f.read(f.DB, "show pgcache.feed"); !strings.Contains(got, "wal: level tracked") || !strings.Contains(got, "table public.accounts tracked by WAL") {
		t.Error(got)
	}
	f.exec(f.DB, "call pgcache.uninstall()")
	if got := f.read(f.plain, "select count(*) from pg_publication"); got != "0" {
		t.Error(got, "publications are left")
	}
}

// What is installed and lacks something else of the server's is told as that, and not as being followed.
func TestInstalledAndNotReady(t *testing.T) {
	server := pgtest.OwnWith(t, testenv.Options{Settings: map[string]string{"wal_level": "replica"}})
	f := fixtureOn(t, server.DSN(""))
	f.exec(f.DB, "create publication pgcache for table accounts")
	f.DB, f.connector = f.open()
	f.read(f.DB, balanceOf, 1)
	f.eventually("the reason", func() bool {
		return strings.Contains(f.read(f.DB, "show pgcache.feed"), "none: level ttl: pgcache: changes can't be followed yet: wal_level: ALTER SYSTEM")
	})
	if got := f.read(f.DB, "show pgcache.feed"); !strings.Contains(got, "table public.accounts ready for the WAL, which can't be followed yet") {
		t.Error(got)
	}
}

// DDL made elsewhere is told by the feed.
func TestDDLElsewhereIsTold(t *testing.T) { bothFeeds(t, dDLElsewhereIsTold) }

func dDLElsewhereIsTold(t *testing.T, feed string) {
	f := newTracked(t, feed)
	f.exec(f.plain, "create view rich as select id from accounts where balance > 10; update accounts set balance = 20 where id < 5")
	f.kept("select count(*) from rich")
	f.exec(f.plain, "create or replace view rich as select id from accounts where balance > 100")
	f.eventually("the new view", func() bool { return f.read(f.DB, "select count(*) from rich") == "0" })
}

// With the server down nobody knows what has changed: an answer is served only as a rule allows for errors. When the server is
// back so are the hits.
func TestPostgresDownWhileTracked(t *testing.T) {
	server := pgtest.Own(t)
	f := fixtureOn(t, server.DSN(""))
	f.DB, f.connector = f.open("feed=wal", "rule=patient: sql~patient ttl=1h stale_if_error=1h", "rule=all: * ttl=1h")
	f.follows()
	const patient = balanceOf + " /* patient */"
	f.kept(balanceOf, 1)
	f.kept(patient, 1)
	if err := server.Stop(t.Context(), testenv.Fast); err != nil {
		t.Fatal(err)
	}
	if got := f.read(f.DB, patient, 1); got != "0" {
		t.Error(got)
	}
	f.eventually("an error", func() bool {
		_, err := readAll(t.Context(), f.DB, balanceOf, 1)
		return err != nil
	})
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.eventually("the server", func() bool { return f.plain.Ping() == nil })
	f.exec(f.plain, "update accounts set balance = 1 where id = 1")
	f.eventually("a hit", func() bool {
		return f.delta(func() {
			if got, err := readAll(t.Context(), f.DB, balanceOf, 1); err == nil && got != "1" {
				t.Error("read", got)
			}
		}).Hits == 1
	})
}

// Without event triggers nobody tells of DDL, so strict can't be had; tracked can.
func TestStrictWantsEventTriggers(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h consistency=strict", "rule=calm: sql~calm ttl=1h")
	f.exec(f.plain, "create publication pgcache for table accounts")
	f.DB, f.connector = f.open("rule=calm: sql~calm ttl=1h", "rule=all: * ttl=1h consistency=strict")
	f.kept(balanceOf+" /* calm */", 1)
	f.eventually("an error", func() bool {
		_, err := readAll(t.Context(), f.DB, balanceOf, 1)
		return errors.Is(err, ErrConsistency) && strings.Contains(err.Error(), "superuser")
	})
	f.exec(f.DB, "call pgcache.install()")
	f.kept(balanceOf, 1)
}

// When the level falls from tracked to ttl, nothing comes back that was kept at ttl before it rose: this process has answered
// with something newer since.
func TestNothingComesBackWhenTheLevelFalls(t *testing.T) {
	for name, end := range map[string]func(f *fixture){
		"uninstalled":         func(f *fixture) { f.exec(f.DB, "call pgcache.uninstall()") },
		"publication dropped": func(f *fixture) { f.exec(f.plain, "drop publication pgcache") },
		"table dropped":       func(f *fixture) { f.exec(f.plain, "alter publication pgcache drop table accounts") },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			level := func() string { return f.reason(balanceOf, 1) }
			f.want(balanceOf, 1)
			f.isHit(balanceOf, 1) // at ttl
			if got := level(); !strings.Contains(got, "consistency ttl") {
				t.Fatal(got)
			}
			f.exec(f.DB, "call pgcache.install()")
			f.eventually("tracked", func() bool { return strings.Contains(level(), "consistency tracked") })
			f.kept(balanceOf, 1)
			f.exec(f.plain, "update accounts set balance = 7 where id = 1")
			f.eventually("the new balance", func() bool { return f.read(f.DB, balanceOf, 1) == "7" })
			end(f)
			f.eventually("ttl", func() bool {
				if got := f.read(f.DB, balanceOf, 1); got != "7" {
					t.Fatalf("read %q after 7", got)
				}
				return strings.Contains(level(), "consistency ttl")
			})
			for range 3 {
				if got := f.read(f.DB, balanceOf, 1); got != "7" {
					t.Fatalf("read %q after 7", got)
				}
			}
			f.isHit(balanceOf, 1)
		})
	}
}

// A table that leaves the publication is not answered for any more, at once where that matters.
func TestLeavingThePublication(t *testing.T) {
	f := newTracked(t, "wal", "rule=all: * ttl=1h consistency=strict")
	f.kept(balanceOf, 1)
	f.exec(f.plain, "alter publication pgcache drop table accounts")
	f.exec(f.plain, "update accounts set balance = 5 where id = 1")
	if got := f.read(f.DB, balanceOf, 1); got != "5" {
		t.Error(got)
	}
}

// A session whose prepared statements are gone, or whose statement means something else now, is asked anew: a program sees what it
// would see of pgx, once for each statement, and never anything of what we prepare.
func TestSessionLosesWhatIsPrepared(t *testing.T) {
	f := newTracked(t, "wal", "rule=all: * ttl=1ns")
	f.SetMaxOpenConns(1)
	f.plain.SetMaxOpenConns(1)
	f.exec(f.plain, "create table things as select g as id, 'thing ' || g as name from generate_series(1, 3) g")
	queries := []string{"select * from things order by id", "select name from things where id = 2"}
	asks := func() {
		f.t.Helper()
		for _, query := range queries {
			f.want(query)
		}
	}
	asks()
	asks()
	for _, lose := range []func(){
		func() { f.exec(f.DB, "deallocate all") },
		func() { f.exec(f.DB, "discard all") },
		func() { f.exec(f.plain, "alter table things add column other int default 7") },
	} {
		lose()
		for _, query := range queries {
			for _, db := range []*sql.DB{f.plain, f.DB} {
				_, err := readAll(t.Context(), db, query)
				pgErr, ok := errors.AsType[*pgconn.PgError](err)
				if err != nil && (!ok || pgErr.Code != ahead.ChangedStatement && pgErr.Code != "26000") {
					t.Fatal(err)
				}
			}
		}
		asks()
		asks()
	}
}

// A statement whose result has other types than when it was prepared is prepared anew, and the server is not left with both.
func TestChangedStatementIsNotLeft(t *testing.T) {
	f := newTracked(t, "touch")
	conn := f.pin()
	f.exec(f.plain, "drop event trigger pgcache_ddl") // so that nobody tells
	const prepared = "select count(*) from pg_prepared_statements where name like 'pgcache\\_%'"
	f.read(conn, balanceOf, 1)
	before := f.read(conn, prepared)
	for _, kind := range []string{"int", "bigint", "numeric"} {
		f.exec(f.plain, "alter table accounts alter balance type "+kind)
		for id := range 4 {
			_, _ = readAll(t.Context(), conn, balanceOf, 10+id) // pgx fails once too
		}
	}
	f.read(conn, balanceOf, 1)
	if after := f.read(conn, prepared); after != before {
		t.Errorf("%s statements are prepared, and were %s", after, before)
	}
}

// Where somebody has made an = of their own, rows are not told by what a column is compared with: other values may be equal to it.
func TestOwnEqualsTellsNoRows(t *testing.T) {
	f := newTracked(t, "wal", "rule=all: * ttl=1h consistency=strict")
	f.exec(f.plain, `create table people (id int primary key, name varchar not null, n int not null);
		create function alike(varchar, varchar) returns bool language sql immutable strict as 'select lower($1::text) operator(pg_catalog.=) lower($2::text)';
		create operator = (leftarg = varchar, rightarg = varchar, function = alike);
		insert into people values (1, 'Ann', 1), (2, 'ann', 2)`)
	f.exec(f.DB, "call pgcache.install()")
	const query = "select n from people where name = 'ANN' order by id"
	f.exec(f.plain, "insert into people values (3, 'Bob', 3)") // the first commit on a table that is new ends everything
	f.kept(query)
	f.exec(f.plain, "insert into people values (4, 'aNN', 4)")
	f.want(query)
	f.kept(query)
	f.exec(f.DB, "update people set n = n + 10 where name = 'ann'")
	f.want(query)
}
