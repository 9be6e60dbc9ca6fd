package driver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

const (
	secondAccounts = `create table others (id int primary key, balance bigint not null); insert into others values (1, 100);
		create view shown as select id, balance from accounts`
	balanceShown = "select balance from shown where id = 1"
)

// A change of the schema that the feed has told of and that nobody sees yet is not what the catalog says: nothing is kept by its word
// until it is.
func TestSchemaChangeToldBeforeItIsSeen(t *testing.T) {
	for _, level := range []string{"tracked", "strict"} {
		t.Run(level, func(t *testing.T) {
			f := fixtureOn(t, pgtest.OwnWith(t, testenv.Options{}).DSN(""))
			f.exec(f.plain, secondAccounts)
			f.DB, f.connector = f.open("rule=all: * ttl=1h", "consistency="+level, "feed=wal")
			f.follows()
			f.kept(balanceShown)
			change := f.holdBack(f.connector.cache.feed.running.Load().tracker, "create or replace view shown as select id, balance from others")
			if reason := f.reason("select balance + 1 from accounts"); !strings.Contains(reason, unsettledRefusal) {
				t.Error(reason)
			}
			f.isNoHit("select balance + 1 from accounts")
			amid := f.ask(t.Context(), balanceShown)
			f.waitForLockWaiters(1) // for the view, after the catalog was asked
			change.release()
			<-amid
			f.kept(balanceShown)
			f.exec(f.plain, "update others set balance = 101 where id = 1")
			f.eventually("the new balance", func() bool { return f.read(f.DB, balanceShown) == "101" })
		})
	}
}

// Views that are made anew over other tables, and nothing held back: what they show is what was acknowledged.
func TestViewMadeAnewOverAnotherTable(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, secondAccounts)
	f.DB, f.connector = f.open("rule=all: * ttl=1h", "consistency=strict", "feed=wal")
	f.follows()
	f.kept(balanceShown)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() {
			for ctx.Err() == nil {
				_, _ = readAll(ctx, f.DB, balanceShown)
			}
		})
	}
	for n := range 100 {
		table := []string{"others", "accounts"}[n%2]
		f.exec(f.plain, "create or replace view shown as select id, balance from "+table)
		f.read(f.DB, balanceShown)
		f.exec(f.plain, fmt.Sprintf("update %s set balance = %d where id = 1", table, n))
		if got := f.read(f.DB, balanceShown); got != fmt.Sprint(n) {
			t.Errorf("read %s of %s, not %d; %s", got, table, n, f.reason(balanceShown))
		}
	}
	stop()
	running.Wait()
}

// A policy that was told of and is not in force yet leaves no row for the wrong tenant.
func TestPolicyToldBeforeItIsSeen(t *testing.T) {
	const few = "select id, owner from accounts where id < 5"
	f := fixtureOn(t, pgtest.OwnWith(t, testenv.Options{}).DSN(""))
	f.DB, f.connector = f.open("rule=all: * ttl=1h", "feed=wal")
	f.exec(f.DB, "call pgcache.install()")
	f.exec(f.plain, "create role app login replication password 'app'; grant select on accounts to app")
	app := f.with(func(c *pgx.ConnConfig) { c.User, c.Password = "app", "app" }, "consistency=strict", "feed=wal")
	app.follows()
	app.kept(few)
	change := f.holdBack(app.connector.cache.feed.running.Load().tracker, `begin;
		create policy own on accounts using (id = current_setting('app.tenant')::int);
		alter table accounts enable row level security; commit`)
	amid := app.ask(t.Context(), few)
	f.waitForLockWaiters(1) // for the table, after the catalog was asked
	change.release()
	<-amid
	for range 50 {
		for tenant := 1; tenant <= 2; tenant++ {
			conn, err := app.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			app.exec(conn, "select set_config('app.tenant', $1, false)", fmt.Sprint(tenant))
			if got, want := app.read(conn, few), fmt.Sprintf("%d owner %d", tenant, tenant); got != want {
				t.Fatalf("tenant %d sees %q", tenant, got)
			}
			conn.Close()
		}
	}
}
