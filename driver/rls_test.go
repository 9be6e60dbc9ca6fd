package driver

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// tenancy is a table of which each tenant sees its own rows, by a setting of the user's own, and one that all may read.
const tenancy = `
create table notes (id int primary key, tenant text not null, body text);
insert into notes select g, (g % 4)::text, 'note ' || g from generate_series(1, 40) g;
alter table notes enable row level security;
create policy own on notes using (tenant = current_setting('app.tenant', true));
create table colours (name text); insert into colours values ('red'), ('blue');`

const (
	countNotes = "select count(*), min(tenant), max(tenant) from notes"
	allColours = "select name from colours"
)

// role makes a role of the cluster's for one test, which may read and write the tables that are there.
func (f *fixture) role(name string) string {
	f.t.Helper()
	name = f.read(f.plain, "select current_database()") + "_" + name
	f.exec(f.plain, fmt.Sprintf("create role %[1]q login password 'secret'; grant all on schema public to %[1]q; grant all on all tables in schema public to %[1]q", name))
	f.t.Cleanup(func() { f.plain.Exec(fmt.Sprintf("drop owned by %[1]q; drop role %[1]q", name)) })
	return name
}

// as gives the connection string of another user.
func as(t *testing.T, dsn, user string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, "secret")
	return u.String()
}

// newTenancy makes a fixture whose user is under row-level security.
func newTenancy(t *testing.T, params ...string) (owner, f *fixture) {
	t.Helper()
	owner = newFixture(t)
	owner.exec(owner.plain, tenancy)
	f = &fixture{t: t, dsn: as(t, owner.dsn, owner.role("tenant"))}
	f.plain = openPlain(t, f.dsn)
	f.DB, f.connector = f.open(params...)
	return owner, f
}

// pin takes a connection out of the pool for the rest of the test.
func (f *fixture) pin() *sql.Conn {
	f.t.Helper()
	conn, err := f.Conn(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	return conn
}

// readsOn checks what a connection reads, and whether from the cache.
func (f *fixture) readsOn(conn queryer, want string, hits int64, query string, args ...any) {
	f.t.Helper()
	var got string
	if d := f.delta(func() { got = f.read(conn, query, args...) }); got != want || d.Hits != hits {
		f.t.Errorf("%s: %q with %d hits, want %q with %d; %s", query, got, d.Hits, want, hits, f.read(conn, "explain (pgcache) "+query, args...))
	}
}

// Tenants share connections, entries of what all may see, and nothing else.
func TestTenantsBySetting(t *testing.T) {
	_, f := newTenancy(t)
	a, b := f.pin(), f.pin()
	f.exec(a, "set app.tenant = '1'")
	f.exec(b, "select set_config('app.tenant', $1, false)", "2")
	f.readsOn(a, "10 1 1", 0, countNotes)
	f.readsOn(a, "10 1 1", 1, countNotes)
	f.readsOn(b, "10 2 2", 0, countNotes)
	f.readsOn(b, "10 2 2", 1, countNotes)
	f.exec(b, "set app.tenant = '1'")
	f.readsOn(b, "10 1 1", 1, countNotes)
	f.exec(b, "set app.tenant = 'nobody'")
	f.readsOn(b, "0 <nil> <nil>", 0, countNotes)
	f.readsOn(a, "red\nblue", 0, allColours)
	f.readsOn(b, "red\nblue", 1, allColours)
	f.readsOn(f.DB, "0 <nil> <nil>", 0, countNotes) // a session that has no tenant
	f.exec(a, "reset app.tenant")
	f.readsOn(a, "0 <nil> <nil>", 0, countNotes)
}

// Views and the statement itself read settings as policies do.
func TestSettingsInViewsAndStatements(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, `create view mine as select id from accounts where owner = 'owner ' || current_setting('app.who');
		create view over_mine as select id + 0 as id from mine`)
	conn := f.pin()
	other := int64(0)
	for _, who := range []string{"1", "2", "3"} {
		f.exec(conn, "set app.who = "+who)
		hits := int64(0)
		for range 2 {
			f.readsOn(conn, who, hits, "select id from mine")
			f.readsOn(conn, who, hits, "select id from over_mine")
			f.readsOn(conn, who, hits, "select current_setting('App.Who')")
			f.readsOn(conn, "<nil>", min(1, other), "select current_setting('app.other', $1)", true)
			other++
			hits = 1
		}
	}
}

// A setting that changed in a transaction is what the transaction left behind.
func TestSettingsInTransactions(t *testing.T) {
	_, f := newTenancy(t)
	conn := f.pin()
	f.exec(conn, "set app.tenant = '1'")
	f.readsOn(conn, "10 1 1", 0, countNotes)
	for _, script := range []struct {
		statements string
		want       string
	}{
		{"begin| set app.tenant = '2'| rollback", "10 1 1"},
		{"begin| set local app.tenant = '2'| commit", "10 1 1"},
		{"begin| set app.tenant = '2'| savepoint s| set app.tenant = '3'| rollback to s| commit", "10 2 2"},
		{"begin| select set_config('app.tenant', '3', true)| commit", "10 2 2"},
		{"begin| select set_config('app.tenant', '3', false)| commit", "10 3 3"},
		{"set app.tenant to default", "0 <nil> <nil>"},
		{"select set_config('app.tenant', 'x', true)", "0 <nil> <nil>"},
		{"do $$begin perform set_config('app.tenant', '1', false); end$$", "10 1 1"},
		{"reset all", "0 <nil> <nil>"},
	} {
		for statement := range strings.SplitSeq(script.statements, "| ") {
			f.exec(conn, statement)
		}
		if got := f.read(conn, countNotes); got != script.want {
			t.Errorf("after %s: %q, want %q", script.statements, got, script.want)
		}
	}
	// Set and taken back, a setting that did not exist is the empty text and not NULL.
	fresh := f.pin()
	const isNull = "select current_setting('app.tenant', true) is null"
	f.readsOn(fresh, "true", 0, isNull)
	f.exec(fresh, "begin")
	f.exec(fresh, "set local app.tenant = 'x'")
	f.exec(fresh, "commit")
	f.readsOn(fresh, "false", 0, isNull)
}

// A statement that fails sets nothing.
func TestRejectedSettings(t *testing.T) {
	_, f := newTenancy(t)
	conn := f.pin()
	f.exec(conn, "set app.tenant = '1'")
	f.read(conn, countNotes)
	for _, rejected := range []string{"set role postgres", "select set_config('app.tenant', '2', false), 1/0", "set session authorization postgres"} {
		if _, err := conn.ExecContext(t.Context(), rejected); err == nil {
			t.Error(rejected, "was accepted")
		}
		f.readsOn(conn, "10 1 1", 1, countNotes)
	}
}

// Once the value is known to the cache no round trip is needed to follow it.
func TestFollowingASettingCostsNothing(t *testing.T) {
	_, f := newTenancy(t, "rule=all: * ttl=1h", "feed=none") // a feed asks for itself
	conn := f.pin()
	for _, tenant := range []string{"1", "2"} {
		f.exec(conn, "set app.tenant = '"+tenant+"'")
		f.read(conn, countNotes)
	}
	before := f.sent.Load()
	for range 10 {
		f.exec(conn, "set app.tenant = '1'")
		f.readsOn(conn, "10 1 1", 1, countNotes)
		f.exec(conn, "set app.tenant = '2'")
		f.readsOn(conn, "10 2 2", 1, countNotes)
	}
	if spent := f.sent.Load() - before; spent > 20 {
		t.Errorf("%d round trips for 20 assignments and 20 hits", spent)
	}
}

// A background fill reads what the tenant would who set it off.
func TestBackgroundFillOfATenant(t *testing.T) {
	_, f := newTenancy(t, "rule=all: * ttl=100ms stale=1h")
	conn := f.pin()
	f.exec(conn, "set app.tenant = '1'")
	f.read(conn, countNotes)
	f.eventually("a background fill", func() bool {
		if got := f.read(conn, countNotes); got != "10 1 1" {
			t.Error(got)
		}
		return f.connector.Stats().StaleServed > 0 && f.connector.Stats().Fills > 1
	})
}

// What a user may see ends with the right to see it.
func TestRightsEnd(t *testing.T) {
	owner, f := newTenancy(t)
	role := owner.read(f.plain, "select current_user")
	group := owner.role("group")
	conn := owner.pin()
	owner.exec(owner.DB, fmt.Sprintf("create policy by_group on notes to %q using (true)", group))
	read := func(want string) {
		t.Helper()
		for range 2 {
			got, err := readAll(t.Context(), conn, countNotes)
			if err != nil {
				got = "denied"
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	owner.exec(conn, "set app.tenant = '1'")
	owner.exec(conn, fmt.Sprintf("set role %q", role))
	read("10 1 1")
	for _, change := range []struct{ statement, want string }{
		{"alter policy own on notes using (tenant = '3')", "10 3 3"},
		{"create policy more on notes using (tenant = '2')", "20 2 3"},
		{"create policy less on notes as restrictive using (tenant = '2')", "10 2 2"},
		{"drop policy less on notes", "20 2 3"},
		{fmt.Sprintf("grant %q to %q", group, role), "40 0 3"},
		{fmt.Sprintf("revoke %q from %q", group, role), "20 2 3"},
		{fmt.Sprintf("alter role %q bypassrls", role), "40 0 3"},
		{fmt.Sprintf("alter role %q nobypassrls", role), "20 2 3"},
		{"alter table notes disable row level security", "40 0 3"},
		{"alter table notes enable row level security", "20 2 3"},
		{fmt.Sprintf("revoke select on notes from %q", role), "denied"},
		{fmt.Sprintf("grant select (id) on notes to %q", role), "denied"},
		{fmt.Sprintf("grant select on notes to %q", role), "20 2 3"},
		{fmt.Sprintf("revoke usage on schema public from public, %q", role), "denied"},
	} {
		owner.exec(owner.DB, change.statement)
		read(change.want)
	}
}

// The same, done behind the driver's back: it ends when the catalog is asked again.
func TestRightsEndElsewhere(t *testing.T) {
	owner, f := newTenancy(t)
	conn := f.pin()
	f.exec(conn, "set app.tenant = '1'")
	f.read(conn, countNotes)
	f.readsOn(conn, "10 1 1", 1, countNotes)
	owner.exec(owner.plain, "alter policy own on notes using (tenant = '3')")
	f.age()
	f.readsOn(conn, "10 3 3", 0, countNotes)
	owner.exec(owner.plain, "revoke select on notes from "+fmt.Sprintf("%q", f.read(f.plain, "select current_user")))
	f.age()
	if got, err := readAll(t.Context(), conn, countNotes); err == nil {
		t.Error(got)
	}
}
