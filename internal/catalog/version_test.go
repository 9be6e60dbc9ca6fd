package catalog

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// as connects to a database as another role, which has no rights of its own.
func as(t *testing.T, dsn, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	exec(t, conn, "set session authorization "+role+"; set search_path = first, app, public")
	return conn
}

// world is a schema with everything in it that a statement may rest on. ROLE stands for the reader, OWNER for who owns it.
const world = `
create role OWNER; create role ROLE;
create role ROLE_group; create schema first; create schema app; create schema other; grant usage on schema first, app, other to ROLE, OWNER; grant create on schema app to OWNER;
set search_path = app;
create type mood as enum ('sad', 'glad');
create type pair as (a int, b mood);
create domain small as int check (value < 100);
create function double(int) returns int language sql immutable as 'select $1 * 2';
create function plus(int, int) returns int language sql immutable as 'select $1 + $2';
create function counted() returns bigint stable begin atomic select count(*) from pg_catalog.generate_series(1, 3); end;
create operator <+> (leftarg = int, rightarg = int, function = plus);
create table things (id int primary key, note text, m mood, p pair, s small, owner name default current_user);
create table logged (id int, at timestamptz) partition by range (id);
create table logged_low partition of logged for values from (0) to (10);
create table logged_high (id int, at timestamptz);
create view shown as select t.id, t.note, t.m, t.p, t.s, counted() as n from things t;
create view owned as select id from things;
create materialized view stored as select 1 as x;
alter table things owner to OWNER; alter view shown owner to OWNER; alter view owned owner to OWNER;
create table other.elsewhere (id int);
grant select on all tables in schema app, other to ROLE;
create text search configuration english_too (copy = pg_catalog.english);
reset search_path;
`

// setUp makes the world in a database of its own, and gives a connection that changes it and one that reads it.
func setUp(t *testing.T) (admin, reader *pgx.Conn, in func(sql string) string) {
	t.Helper()
	dsn := pgtest.Database(t)
	admin, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	// Roles are the whole server's, so their names are made of the database's.
	role := admin.Config().Database
	in = func(sql string) string {
		return strings.NewReplacer("ROLE", role+"_reader", "OWNER", role+"_owner").Replace(sql)
	}
	t.Cleanup(func() {
		afterwards(t, admin, in("reset session authorization; drop owned by ROLE, OWNER, ROLE_group cascade; drop role ROLE, OWNER, ROLE_group"))
		admin.Close(context.Background())
	})
	exec(t, admin, in(world))
	return admin, as(t, dsn, in("ROLE")), in
}

// Whatever is changed, by whomever, gives another version, also to a role that may see none of it.
func TestVersionChanges(t *testing.T) {
	admin, reader, in := setUp(t)
	const (
		view    = "select id, note, double(id), id <+> 1, s::int from shown order by note collate \"C\""
		parts   = "select * from logged"
		own     = "select lower(note) from things t"
		search  = "select to_tsvector('english_too', note) from things"
		matview = "select * from stored"
		owned   = "select * from owned"
		named   = "select * from other.elsewhere"
	)
	for _, c := range []struct{ change, sql string }{
		{"grant insert on app.shown to ROLE", view},
		{"revoke select on app.things from OWNER", view},
		{"grant select on app.things to OWNER", view},
		{"grant select (note) on app.things to ROLE", own},
		{"revoke select (note) on app.things from ROLE", own},
		{"revoke usage on schema app from ROLE", "select 1 from public.nothing"}, // app is in the path all the same
		{"grant usage on schema app to ROLE", own},
		{"revoke usage on schema other from ROLE", named},
		{"grant usage on schema other to ROLE", named},
		{"revoke execute on function app.double(int) from public", view},
		{"grant execute on function app.double(int) to ROLE", view},
		{"grant execute on function pg_catalog.lower(text) to ROLE", own},

		{"alter table app.things enable row level security", view},
		{"create policy p on app.things using (id > 1)", view},
		{"alter policy p on app.things using (id > 2)", view},
		{"alter policy p on app.things rename to q", view},
		{"alter policy q on app.things to ROLE", view},
		{"create policy r on app.things as restrictive for select using (owner = current_user)", view},
		{"drop policy r on app.things", view},
		{"alter table app.things force row level security", view},
		{"alter table app.things disable row level security", view},
		{"alter role OWNER bypassrls", owned},
		{"alter role OWNER nobypassrls", owned},
		{"alter role ROLE superuser", own},
		{"alter role ROLE nosuperuser", own},
		{"alter role ROLE noinherit", own},
		{"alter role ROLE inherit", own},
		{"grant ROLE_group to ROLE", own},
		{"alter role ROLE_group bypassrls", own},
		{"grant pg_read_all_data to ROLE_group", own},
		{"revoke ROLE_group from ROLE", own},
		{"grant pg_read_all_data to OWNER", owned},
		{"revoke pg_read_all_data from OWNER", owned},
		{"alter table app.things owner to ROLE_group", view},
		{"alter table app.things owner to OWNER", view},

		{"create or replace view app.shown as select t.id, upper(t.note) as note, t.m, t.p, t.s, app.counted() as n from app.things t", view},
		{"alter view app.shown set (security_barrier = true)", view},
		{"create or replace function app.double(int) returns int language sql immutable as 'select $1 * 3'", view},
		{"alter function app.double(int) stable", view},
		{"create or replace function app.counted() returns bigint stable begin atomic select 7::bigint; end", view},
		{"create function app.double(text) returns int language sql immutable as 'select 1'", view},
		{"create function first.double(int) returns int language sql immutable as 'select 1'", view},
		{"create or replace function app.plus(int, int) returns int language sql immutable as 'select 1'", view},
		{"create operator first.<+> (leftarg = int, rightarg = int, function = app.plus)", view},
		{"drop operator first.<+> (int, int)", view},
		{"create table first.things (id int, note text)", own},
		{"drop table first.things", own},
		{"create cast (int as text) with inout as implicit", "select 1"},
		{"drop cast (int as text)", "select 1"},
		{"create collation app.cc from \"C\"", "select 1"},

		{"alter table app.things add column extra int", own},
		{"alter table app.things alter column extra type bigint", own},
		{"alter table app.things rename column extra to more", own},
		{"alter table app.things drop column more", own},
		{"alter table app.things rename to things2", view},
		{"alter table app.things2 rename to things", view},
		{"alter table app.things set schema other", view},
		{"alter table other.things set schema app", view},
		{"alter type app.mood rename value 'sad' to 'blue'", own},
		{"alter type app.mood add value 'mad' before 'glad'", own},
		{"alter type app.mood rename to feeling", own},
		{"alter type app.pair rename attribute a to z", own},
		{"alter type app.pair add attribute c int", own},
		{"alter domain app.small add constraint positive check (value > 0) not valid", own},
		{"alter domain app.small drop constraint positive", own},

		{"alter table app.logged attach partition app.logged_high for values from (10) to (20)", parts},
		{"alter table app.logged detach partition app.logged_high", parts},
		{"create table app.logged_new partition of app.logged for values from (20) to (30)", parts},
		{"drop table app.logged_new", parts},
		{"truncate app.things", own},
		{"refresh materialized view app.stored", matview},
		{"alter text search configuration app.english_too drop mapping for word", search},
		{"alter text search configuration app.english_too alter mapping for asciiword with simple", search},
		{"alter text search dictionary pg_catalog.english_stem (stopwords = 'english')", "select to_tsvector(note) from things"},
		{"alter text search dictionary pg_catalog.english_stem (stopwords = 'english')", "select note @@ 'x' from things"},
		{"alter text search dictionary pg_catalog.english_stem (stopwords = 'english')", search},
		{"alter schema first rename to last", own},
		{"alter role ROLE rename to ROLE2", own},
		{"alter role ROLE2 rename to ROLE", own},
	} {
		before := ask(t, reader, c.sql)
		if again := ask(t, reader, c.sql); again.Version != before.Version || len(before.Version) != 2*versionBytes {
			t.Fatalf("%s: %q, then %q", c.sql, before.Version, again.Version)
		}
		exec(t, admin, in(c.change))
		if after := ask(t, reader, c.sql); after.Version == before.Version {
			t.Errorf("%s: the same version of %s", c.change, c.sql)
		}
	}
}

// What has nothing to do with a statement, or with what its result means, gives no other version.
func TestVersionStays(t *testing.T) {
	admin, reader, in := setUp(t)
	exec(t, admin, "insert into app.things select i, 'x', 'sad', row(1, 'glad')::app.pair, 1 from generate_series(1, 1000) i")
	for _, sql := range []string{"select id, note, double(id), s from shown where m = 'sad'", "select * from logged", "select count(*) from things", "select * from stored"} {
		before := ask(t, reader, sql).Version
		for _, change := range []string{
			"select 1",
			"update app.things set note = 'y' where id < 500", "delete from app.things where id = 3",
			"insert into app.things values (3, 'z', 'glad', (2, 'sad'), 99); insert into app.logged values (1, now())",
			"analyze app.things", "analyze", "vacuum app.things", "vacuum (freeze, analyze) app.things", "vacuum analyze", "vacuum freeze pg_catalog.pg_class",
			"create table app.unrelated (id int)", "drop table app.unrelated", "grant select on app.logged_high to OWNER",
			"alter role ROLE set work_mem = '8MB'", "alter role ROLE reset work_mem",
			"create index notes on app.things (note)", "reindex table app.things", "drop index app.notes", "create temporary table scratch (id int)", "checkpoint", "select pg_stat_reset()",
		} {
			exec(t, admin, in(change))
			if after := ask(t, reader, sql).Version; after != before {
				t.Errorf("%s: another version of %s", change, sql)
				before = after
			}
		}
		exec(t, admin, "discard temp")
	}
}
