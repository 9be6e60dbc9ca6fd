package setup

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// The commands that change what a read may give, beside the changes of rows, in an order in which they can be run. An
// event has to tell of each.
const told = `
create schema s
create table s.a (id int primary key, v text)
create table if not exists s.b (id int)
create table s.c as select 1 as id
select * into s.d from s.a
create view s.v as select * from s.a
create or replace view s.v as select * from s.a where id > 0
create materialized view s.m as select * from s.a
refresh materialized view s.m
create unique index on s.m (id); refresh materialized view concurrently s.m
alter table s.a add w int
alter table s.a alter w type bigint
alter table s.a rename w to x
alter table s.a drop x
alter table s.a rename to aa
alter table s.aa rename to a
alter table s.a disable trigger all
alter table s.a enable trigger all
alter table s.a set schema public
alter table public.a set schema s
alter table s.a set unlogged
alter table s.a set logged
alter table s.a owner to current_user
alter table s.a enable row level security
alter table s.a force row level security
alter table s.a replica identity full
create policy p on s.a using (id > 0)
alter policy p on s.a using (id > 1)
drop policy p on s.a
grant select on s.a to public
revoke select on s.a from public
grant usage on schema s to public
grant select on all tables in schema s to public
alter default privileges in schema s grant select on tables to public
create table s.root (id int) partition by range (id)
create table s.low partition of s.root for values from (0) to (10)
create table s.high (id int)
alter table s.root attach partition s.high for values from (10) to (20)
alter table s.root detach partition s.high
alter table s.root detach partition s.low concurrently
create table s.child () inherits (s.b)
alter table s.child no inherit s.b
alter table s.child inherit s.b
alter view s.v rename to vv
alter view s.vv set (security_barrier)
alter materialized view s.m rename to mm
create function s.f(int) returns int language sql immutable as 'select $1'
create or replace function s.f(int) returns int language sql immutable as 'select $1 + 1'
alter function s.f(int) stable
alter function s.f(int) set search_path = s
create procedure s.p() language sql as 'select 1'
create operator s.@@@ (leftarg = int, rightarg = int, function = pg_catalog.int4pl)
create operator family s.fam using btree
create operator class s.cls for type int using btree family s.fam as operator 1 <
create type s.e as enum ('x')
alter type s.e add value 'y'
create type s.t as (a int)
alter type s.t add attribute b int
create type s.r as range (subtype = int)
create domain s.dom as int
alter domain s.dom add check (value > 0)
create cast (s.t as text) with inout
create aggregate s.agg (int) (sfunc = pg_catalog.int4pl, stype = int)
create collation s.col (locale = 'C')
create text search configuration s.ts (copy = simple)
alter text search configuration s.ts drop mapping for url
create text search dictionary s.dic (template = simple)
create sequence s.seq
alter sequence s.seq restart
create rule r as on insert to s.b do also nothing
alter table s.b disable rule r
drop rule r on s.b
create function s.tf() returns trigger language plpgsql as 'begin return null;end'
create trigger tr after insert on s.b for each row execute function s.tf()
alter trigger tr on s.b rename to tr2
drop trigger tr2 on s.b
create publication pub for table s.a
alter publication pub drop table s.a
drop publication pub
create foreign data wrapper fdw
create server srv foreign data wrapper fdw
create user mapping for current_user server srv
create foreign table s.ft (id int) server srv
alter foreign table s.ft add x int
drop foreign table s.ft
drop server srv cascade
create access method heap2 type table handler heap_tableam_handler
drop operator class s.cls using btree
drop cast (s.t as text)
drop function s.f(int)
drop domain s.dom
drop type s.e
drop view s.vv
drop materialized view s.mm
drop sequence s.seq
drop table s.c, s.d
grant select on s.b to pgcache_test_role
drop owned by pgcache_test_role
drop schema s cascade
`

// The commands that can't, of which no event tells: of their own nature, or because they do nothing.
const untold = `
create table if not exists kept (id int)
create index on kept (v)
create index if not exists kept_pkey on kept (id)
create statistics st on id, v from kept
alter statistics st set statistics 10
drop statistics st
comment on table kept is 'kept'
reindex table kept
analyze kept
vacuum kept
cluster kept using kept_pkey
drop table if exists nowhere
create temporary table scratch (id serial primary key, v text default 'x', check (id > 0))
alter table scratch add w int
create index on scratch (v)
create view glance as select * from scratch
create temporary view glance2 as select * from scratch
drop table scratch cascade
create temporary table scratch as select 1 as id
drop table scratch
select 1 as id into temporary scratch
begin; create temporary table gone (id int) on commit drop; commit
discard temp
set search_path = public
explain select 1
begin; lock table kept; commit
`

// The commands that change something and that PostgreSQL fires no event for: the catalog is asked again every minute.
const unseen = `
create role pgcache_test_role2
alter role pgcache_test_role bypassrls
alter role pgcache_test_role set search_path = s
grant pgcache_test_role to current_user
alter database current set work_mem = '1MB'
create event trigger et on ddl_command_end execute function pgcache.ddl_changed()
alter event trigger et disable
drop event trigger et
reassign owned by pgcache_test_role to current_user
drop role pgcache_test_role2
`

// Events in the touch log and in the WAL.
func TestEvents(t *testing.T) {
	server := pgtest.Own(t) // roles are made
	conn := connect(t, server.DSN(""))
	exec(t, conn, "create role pgcache_test_role", "create table kept (id int primary key, v text)")
	install(t, conn, WAL|Touch)
	exec(t, conn, "select pg_create_logical_replication_slot('events', 'pgoutput')")
	for _, list := range []struct {
		commands string
		want     bool
	}{{told, true}, {untold, false}, {unseen, false}} {
		want := list.want
		for sql := range strings.Lines(strings.TrimSpace(list.commands)) {
			sql = strings.TrimSpace(sql)
			sql = strings.ReplaceAll(sql, "alter database current", "alter database postgres")
			events(t, conn)
			run(t, conn, sql)
			touches, messages := events(t, conn)
			if (touches > 0) != want || (messages > 0) != want {
				t.Errorf("%s: %d rows, %d messages ", sql, touches, messages)
			}
		}
	}
}

// run runs commands one by one, since some can't be in a transaction.
func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	for part := range strings.SplitSeq(sql, "; ") {
		exec(t, conn, part)
	}
}

// events counts what was told since it was called last.
func events(t *testing.T, conn *pgx.Conn) (touches, messages int) {
	t.Helper()
	touches = scalar[int](t, conn, "with gone as (delete from pgcache.touches where relid = 0 returning 1) select count(*) from gone")
	messages = scalar[int](t, conn, `
select count(*) from pg_logical_slot_get_binary_changes('events', null, null, 'proto_version', '1', 'publication_names', 'pgcache', 'messages', 'true')
where get_byte(data, 0) = ascii('M') and position('pgcache.ddl'::bytea in data) > 0`)
	return touches, messages
}
