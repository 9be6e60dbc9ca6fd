package sessions_test

import (
	"fmt"
	"slices"
	"strings"
)

// makeSetup lists the statements that make the world's database. Later ones don't mind when earlier ones are left out, which
// is how a failure's setup is made small.
func (w *world) makeSetup() {
	w.addf("set client_min_messages to warning")
	w.addf("set check_function_bodies to off")
	w.makeRoles()
	for i, s := range w.schemas {
		if s != "public" {
			w.addf("create schema %s", s)
		}
		w.makeSchema(s, i+1)
	}
	for i, s := range w.schemas {
		w.makeFunctions(s, i+1)
	}
	for _, s := range w.schemas {
		if w.expect.partitions {
			w.addf("create materialized view %s.mat as select id, tenant, owner, n from %s.items", s, s)
		}
		for _, v := range w.views {
			if s != "s1" && w.percent(35) {
				continue // another schema's is found, until somebody makes one here
			}
			w.addf("create view %s.%s %sas %s", s, v, w.viewOptions(), w.viewBody(s, v))
		}
	}
	w.grantFirst()
	if w.expect.policies {
		for range 1 + w.IntN(5) {
			w.addf("%s", w.createPolicy())
		}
		for _, p := range w.policies {
			if w.percent(85) {
				w.addf("alter table %s enable row level security", p.table)
			}
		}
	}
	if w.expect.triggers {
		for range 1 + w.IntN(3) {
			w.addf("%s", w.createTrigger())
		}
	}
}

func (w *world) addf(format string, args ...any) {
	w.setup = append(w.setup, fmt.Sprintf(format, args...))
}

// makeRoles makes the roles, which all databases of a server share, what they are at the beginning of every world.
func (w *world) makeRoles() {
	w.addf("alter role current_user reset all")
	for _, r := range roles {
		w.addf("do $$ begin create role %s; exception when duplicate_object then null; end $$", r)
		w.addf("alter role %s nosuperuser nobypassrls inherit", r)
		w.addf("alter role %s reset all", r)
	}
	for _, group := range roles {
		for _, member := range roles {
			if member != group {
				w.addf("revoke %s from %s", group, member)
			}
		}
	}
	if w.percent(60) {
		w.addf("grant staff to alice")
	}
	if w.percent(40) {
		w.addf("grant own to %s", pick(w.dice, "alice", "bob", "staff"))
	}
}

const columns = "id int primary key, tenant text, owner text, n int"

// rows are the rows of a table: of three tenants and three owners.
func rows(k, count int) string {
	return fmt.Sprintf("select g, 't' || (g + %d) %% 3, (array['alice', 'bob', 'own'])[1 + g %% 3], g * %d from generate_series(1, %d) g", k, k, count)
}

func (w *world) makeSchema(s string, k int) {
	w.addf("create table %s.items (%s)", s, columns)
	w.addf("insert into %s.items %s", s, rows(k, 6+k))
	w.addf("create table %s.orders (%s, item int references %s.items on delete cascade on update %s)",
		s, columns, s, pick(w.dice, "cascade", "set null", "set default"))
	w.addf("insert into %s.orders select id * 2, tenant, owner, n + 1, id from %s.items", s, s)
	if k == 1 || w.percent(60) {
		w.peopled = append(w.peopled, s)
		w.addf("create table %s.members (%s)", s, columns)
		w.addf("insert into %s.members %s", s, rows(k+1, 3))
	}
	w.addf("create table %s.logs (id serial, tenant text, owner text, n int)", s)
	w.addf("create sequence %s.seq", s)
	if w.expect.types {
		w.makeTypes(s, k)
	}
	if w.expect.partitions {
		w.addf("create table %s.parts (id int, tenant text, owner text, n int) partition by list (tenant)", s)
		w.addf("create table %s.parts_1 partition of %s.parts for values in ('t1')", s, s)
		w.addf("create table %s.parts_d partition of %s.parts default", s, s)
		w.addf("insert into %s.parts %s", s, rows(k, 5))
		w.addf("create table %s.base (id int, tenant text, owner text, n int)", s)
		w.addf("create table %s.kid () inherits (%s.base)", s, s)
		w.addf("insert into %s.base %s", s, rows(k, 3))
		w.addf("insert into %s.kid %s", s, rows(k+1, 4))
	}
	if w.once(3) {
		for _, t := range w.tables {
			w.addf("alter table %s.%s owner to own", s, t)
			if w.once(2) {
				w.addf("alter table %s.%s force row level security", s, t)
			}
		}
	}
}

// makeTypes makes a table whose values look different under different settings.
func (w *world) makeTypes(s string, k int) {
	w.addf("create type %s.mood as enum ('ok', 'sad%d', 'glad')", s, k)
	w.addf("create domain %s.pos as int check (value > %d)", s, -k)
	w.addf("create type %s.pair as (a timestamptz, b float8)", s)
	// With a timetz in it nothing of the table is cached: what such a time means depends on today.
	tod := pick(w.dice, "time", "time", "time", "time", "time", "timetz")
	w.addf(`create table %s.typed (%s, at timestamptz, plain timestamp, day date, tod %s, span interval, share float8, small float4,
	bits bytea, price numeric(12,2), doc jsonb, feel %s.mood, num %s.pos, list int[], shares float8[], during tstzrange, pair %s.pair,
	uid uuid, flag bool, cash money, code char(4), label varchar(10))`, s, columns, tod, s, s, s)
	w.addf(`insert into %s.typed select id, tenant, owner, n, '2024-03-01 12:00+00'::timestamptz + id * interval '1 day 1 hour',
	timestamp '2024-03-01 12:00' + id * interval '1 hour', date '2024-03-01' + id, '12:00', id * interval '1 mon 1 day 1 hour', id / 3.0, id / 7.0,
	decode('00ff' || lpad(id::text, 2, '0'), 'hex'), id / 4.0, jsonb_build_object('n', n), 'ok', id, array[id, null, n], array[id / 3.0, 1e20],
	tstzrange('2024-03-01 12:00+00', '2024-05-01 12:00+00'), row('2024-03-01 12:00+00', id / 3.0)::%s.pair, null, id %% 2 = 0, id::money, 'a' || id, 'b' || id
	from %s.items`, s, s, s)
}

// grantFirst gives the roles what they begin with.
func (w *world) grantFirst() {
	for _, s := range w.schemas {
		for _, r := range append([]string{"public"}, roles...) {
			if !w.expect.grants && r == "public" {
				w.addf("grant usage on schema %s to public", s)
				w.addf("grant all on all tables in schema %s to public", s)
				continue
			}
			if w.percent(60) {
				w.addf("grant %s on schema %s to %s", pick(w.dice, "usage", "usage", "usage", "all"), s, r)
			}
			w.addf("%s", w.grant(s, r))
		}
	}
}

func (w *world) grant(s, role string) string {
	return choose(w.dice,
		option[string]{4, func() string {
			return fmt.Sprintf("grant %s on all tables in schema %s to %s", pick(w.dice, "select", "all", "select, update"), s, role)
		}},
		option[string]{2, func() string {
			return fmt.Sprintf("grant select, insert, update on %s.%s to %s", s, pick(w.dice, w.relations...), role)
		}},
		option[string]{1, func() string {
			return fmt.Sprintf("grant select (id, %s) on %s.%s to %s", pick(w.dice, "n", "tenant", "owner"), s, pick(w.dice, w.relations...), role)
		}},
		option[string]{1, func() string { return fmt.Sprintf("revoke execute on all functions in schema %s from public", s) }},
	)
}

func (w *world) viewOptions() string {
	if w.percent(75) {
		return ""
	}
	return "with (" + pick(w.dice, "security_barrier", "security_invoker", "security_invoker, security_barrier") + ") "
}

// viewBody is the query of a view: over tables, or over the views whose names come before its own.
func (w *world) viewBody(s, name string) string {
	other := s
	if w.once(3) {
		other = w.schema()
	}
	sources := []string{"items", "orders"}
	if slices.Contains(w.peopled, s) && slices.Contains(w.peopled, other) {
		sources = append(sources, "members")
	}
	if w.expect.partitions {
		sources = append(sources, "parts", "base", "mat")
	}
	for _, v := range w.views {
		if v == name {
			break
		}
		sources = append(sources, v, v)
	}
	bodies := []string{
		"select id, tenant, owner, n from A",
		"select id, tenant, owner, n + " + fmt.Sprint(w.IntN(9)) + " as n from A where n % 2 = 0",
		"select a.id, a.tenant, b.owner, a.n + b.n as n from A a join B b on a.id = b.id",
		"select id, tenant, owner, n from A union all select id + 100, tenant, owner, n from B",
		"select min(id) as id, tenant, max(owner) as owner, sum(n)::int as n from A group by tenant",
		"with x as (select * from A) select id, tenant, owner, n from x where id in (select id from B)",
		"select id, tenant, owner, (select count(*)::int from B) as n from A",
	}
	if w.expect.functions {
		bodies = append(bodies,
			"select id, tenant, owner, S.imm(n) as n from A",
			"select id, tenant, owner, S.pimm(n) as n from A where S.nest(n) > 0",
			"select id, tenant, owner, S.imm(n) as n from A")
		if w.once(4) {
			bodies = append(bodies,
				"select id, tenant, owner, n + S.stab()::int as n from A",
				"select id, tenant, owner, S.atom()::int as n from A",
				"select id, tenant, owner, n from A where owner = S.who()",
				"select id, tenant, owner, n from A where owner = current_user",
				"select id, tenant, current_user::text as owner, n from A",
				"select id, current_setting('app.tenant', true) as tenant, owner, n from A")
		}
	}
	return strings.NewReplacer("A", s+"."+pick(w.dice, sources...), "B", other+"."+pick(w.dice, sources...), "S.", s+".").
		Replace(pick(w.dice, bodies...))
}
