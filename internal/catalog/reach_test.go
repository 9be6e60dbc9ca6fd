package catalog

import (
	"strings"
	"testing"
)

// What makes it uncertain which tables are written is told by its name.
func TestWhyReachIsUnknown(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create function note() returns trigger language plpgsql as $$ begin perform spend(1); return new; end $$;
		create table noted (id int); create trigger note before insert on noted for each row execute function note();
		create table owner_of_noted (id int primary key);
		create table cascaded (id int references owner_of_noted on delete cascade);
		create trigger note after delete on cascaded for each row execute function note();
		create table searched (body text, found tsvector);
		create trigger search before insert on searched for each row execute function tsvector_update_trigger(found, 'pg_catalog.english', body);
		create schema pgcache; create table pgcache.touches (relid oid);
		create function pgcache.touch() returns trigger language plpgsql as $$ begin insert into pgcache.touches values (tg_relid); return null; end $$;
		create table logged (id int); create trigger pgcache_touch after insert on logged for each statement execute function pgcache.touch();
		create table rechecked (id int); create trigger again after insert on rechecked for each row execute function unique_key_recheck();
		create type pieces as (a small, b int); create table composed (id int, p pieces); create table plain_composed (id int, p customers);
		create policy p on secret for insert with check (spend(id) > 0);
		create table virtual (id int generated always as identity, note text default upper('x'));
	`)
	for sql, want := range map[string]string{
		"insert into customers values (1)":      "",
		"insert into stamped values (1)":        "",
		"insert into searched values ('x')":     "",
		"insert into plain_composed values (1)": "",
		"insert into virtual values (default)":  "",
		"insert into logged values (1)":         "", // by the touch log of a feed
		"insert into nowhere values (1)":        "there is no relation nowhere",
		"insert into ruled values (1)":          "the rule also on ruled",
		"insert into audited values (1)":        `the trigger audit on audited runs audit(), which may do anything: "insert"`,
		"insert into noted values (1)":          `the trigger note on noted runs note(), which may do anything: "perform"`,
		"insert into rechecked values (1)":      "the trigger again on rechecked runs unique_key_recheck()",
		"delete from owner_of_noted":            "the trigger note on cascaded",
		"insert into facade values (1)":         "the trigger divert on facade runs instead of the write",
		"insert into choosy values (1)":         "calls spend(integer)",
		"insert into checked values (1)":        "calls spend(integer)",
		"insert into defaulted values (1)":      "calls spend(integer)",
		"insert into domained values (1)":       "calls half(integer)",
		"insert into composed values (1)":       "calls half(integer)",
		"insert into secret values (1)":         "calls spend(integer)",
	} {
		reach := ask(t, conn, sql).Reach
		if reach.Unknown != (want != "") || !strings.Contains(reach.Why, want) {
			t.Errorf("%s: unknown %v: %q, want %q", sql, reach.Unknown, reach.Why, want)
		}
	}
}

// What a feed writes on its own can't be cached.
func TestTablesOfTheCache(t *testing.T) {
	conn := open(t)
	exec(t, conn, "create schema pgcache; create table pgcache.touches (relid oid)")
	if got := ask(t, conn, "select * from pgcache.touches").Refusal(); !strings.Contains(got, "part of the cache itself") {
		t.Error(got)
	}
}

// A trigger is harmless as long as the words in it mean what they seem to.
func TestTriggersUnderShadows(t *testing.T) {
	conn := open(t)
	exec(t, conn, `set client_min_messages = error;
		create schema far;
		create table watched (id int, at timestamptz, name text, slug text);
		create function fill() returns trigger language plpgsql as $$
		begin
			if tg_op = 'UPDATE' and new.name is distinct from old.name or new.slug is null then
				new.slug := replace(lower(new.name), ' ', '-')::text;
			end if;
			new.at := now() at time zone 'utc';
			return new;
		end $$;
		create trigger fill before insert or update on watched for each row execute function fill()`)
	unknown := func() bool { return ask(t, conn, "update watched set name = 'x'").Reach.Unknown }
	if unknown() {
		t.Fatal(ask(t, conn, "update watched set name = 'x'").Reach.Why)
	}
	for _, c := range []struct{ create, drop string }{
		{"create function far.now() returns timestamptz language sql as 'select null::timestamptz'", "drop function far.now()"},
		{"create function far.lower(int) returns text language sql immutable as 'select null::text'", "drop function far.lower(int)"},
		{"create function far.timezone(text, int) returns text language sql as 'select null::text'", "drop function far.timezone(text, int)"},
		{"create domain far.text as int", "drop domain far.text"},
		{"create table far.text ()", "drop table far.text"},
		{"create operator far.= (leftarg = customers, rightarg = customers, function = far.same)", "drop operator far.= (customers, customers)"},
		{"create cast (customers as text) with function far.told(customers)", "drop cast (customers as text)"},
		{"alter table watched add column d small", "alter table watched drop column d"},
		{"alter table watched alter column slug type vetted", "alter table watched alter column slug type text"},
		{"create or replace function fill() returns trigger language plpgsql as 'begin return other(); end'", ""},
	} {
		if c.create[:15] == "create operator" {
			exec(t, conn, "create function far.same(customers, customers) returns bool language sql as 'select true'; create function far.told(customers) returns text language sql as 'select null::text'; create domain vetted as text check (spend(1) > 0)")
		}
		exec(t, conn, c.create)
		if !unknown() {
			t.Errorf("%s: still harmless", c.create)
		}
		if c.drop == "" {
			break
		}
		exec(t, conn, c.drop)
		if unknown() {
			t.Fatalf("%s: %s", c.drop, ask(t, conn, "update watched set name = 'x'").Reach.Why)
		}
	}
}

// Where a schema comes before PostgreSQL's own the catalogs can't be trusted to be asked what was meant.
func TestSearchPathBeforeTheCatalog(t *testing.T) {
	conn := open(t)
	exec(t, conn, "create function no(oid, oid) returns bool language sql immutable as 'select false'; create operator = (leftarg = oid, rightarg = oid, function = no)")
	for path, want := range map[string]bool{
		"shop, public": false, "pg_catalog, shop": false, "shop, pg_catalog": true, "pg_temp, shop": false, "''": false,
	} {
		exec(t, conn, "set search_path = "+path)
		a := ask(t, conn, "delete from shop.orders")
		if got := a.MayWrite(); got != want || want != (a.Refusal() != "") {
			t.Errorf("%q: may write anything %v, refusal %q", path, got, a.Refusal())
		}
	}
}
