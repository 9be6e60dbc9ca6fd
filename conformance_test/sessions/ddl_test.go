package sessions_test

import "fmt"

// ddl changes what names stand for.
func (g *generator) ddl() op {
	s := g.schema()
	o := choose(g.dice,
		option[op]{g.weight(g.expect.views, 30), func() op { return op{sql: g.changeView(s)} }},
		option[op]{g.weight(g.expect.functions, 25), func() op { return op{sql: g.changeFunction(s)} }},
		option[op]{18, func() op { return op{sql: g.changeTable(s)} }},
		option[op]{14, func() op { return op{sql: g.changePlace(s)} }},
		option[op]{g.weight(g.expect.types, 6), func() op { return op{sql: g.changeType(s)} }},
		option[op]{g.weight(g.expect.triggers, 8), func() op { return op{sql: g.createTrigger()} }},
		option[op]{g.weight(g.expect.partitions, 8), func() op { return op{sql: g.changePartitions(s)} }},
		option[op]{6, func() op { return op{sql: g.changeDefaults()} }},
	)
	o.on, o.do, o.kind = g.chief(), exec, "ddl"
	if g.expect.raw && g.once(12) {
		o.do, o.kind = raw, "raw ddl"
	}
	return o
}

func (g *generator) changeView(s string) string {
	v := pick(g.dice, g.views...)
	switch g.IntN(12) {
	case 0:
		return fmt.Sprintf("drop view %s.%s cascade", s, v)
	case 1:
		return fmt.Sprintf("alter view %s.%s owner to %s", s, v, pick(g.dice, "own", "alice", "postgres"))
	case 2:
		return fmt.Sprintf("alter view %s.%s %s", s, v, pick(g.dice, "set (security_invoker = true)", "set (security_barrier = true)", "reset (security_invoker)"))
	default:
		return fmt.Sprintf("create or replace view %s.%s %sas %s", s, v, g.viewOptions(), g.viewBody(s, v))
	}
}

func (g *generator) changeFunction(s string) string {
	k := g.IntN(20)
	switch g.IntN(12) {
	case 0: // an overload that fits better, and is not immutable
		return fmt.Sprintf("create or replace function %s.imm(bigint) returns bigint stable language sql as 'select count(*) + $1 from %s.items'", s, s)
	case 1:
		return fmt.Sprintf("create or replace function %s.imm(text) returns text immutable language sql as 'select $1 || %d'", s, k)
	case 2:
		return fmt.Sprintf("drop function if exists %s.imm(bigint)", s)
	case 3:
		return fmt.Sprintf("alter function %s.stab() %s", s, pick(g.dice, "set search_path to "+s, "reset search_path", "volatile", "security definer", "security invoker"))
	case 4:
		return fmt.Sprintf("alter function %s.%s rename to old%d", s, pick(g.dice, "pimm", "stab", "imm(int)"), k)
	case 5:
		return fmt.Sprintf("drop function if exists %s.pimm(int) cascade", s)
	default:
		return "create or replace function " + g.function(s, pick(g.dice, "imm", "imm", "pimm", "pimm", "nest", "stab", "atom", "who", "vol", "definer", "honest", "acc"), k)
	}
}

func (g *generator) changeTable(s string) string {
	t := s + "." + pick(g.dice, g.tables...)
	return pick(g.dice,
		fmt.Sprintf("alter table %s add column more%d int default %d", t, g.IntN(3), g.IntN(5)),
		fmt.Sprintf("alter table %s drop column more%d", t, g.IntN(3)),
		fmt.Sprintf("alter table %s alter column n type %s", t, pick(g.dice, "bigint", "int", "numeric")),
		fmt.Sprintf("alter table %s rename column more%d to less%d", t, g.IntN(3), g.IntN(3)),
		fmt.Sprintf("alter table %s.items rename to was; alter table %s.orders rename to items; alter table %s.was rename to orders", s, s, s),
		fmt.Sprintf("drop table %s cascade", t),
		fmt.Sprintf("create table %s as select id, tenant, owner, n from %s", t, g.rel()),
		fmt.Sprintf("select id, tenant, owner, n into %s from %s", t, g.rel()),
		fmt.Sprintf("alter table %s owner to %s", t, pick(g.dice, "own", "postgres", "alice")),
		fmt.Sprintf("create rule also as on update to %s do also insert into %s.logs (n) values (1)", t, s),
		fmt.Sprintf("create rule swap as on insert to %s do instead update %s set n = n + 1", t, g.own(g.tables[:3]...)),
		fmt.Sprintf("create index on %s (n)", t),
		fmt.Sprintf("comment on table %s is 'x'", t),
		fmt.Sprintf("alter table %s disable trigger all", t),
	)
}

// changePlace puts relations where names find them, or takes them away.
func (g *generator) changePlace(s string) string {
	name := pick(g.dice, g.relations...)
	other := g.schema()
	return pick(g.dice,
		fmt.Sprintf("create table %s.%s as select id + 200 as id, tenant, owner, n from %s.items", s, name, other),
		fmt.Sprintf("create view %s.%s as select id + 300 as id, tenant, owner, n from %s.items", s, name, other),
		fmt.Sprintf("alter table %s.%s set schema %s", s, name, other),
		fmt.Sprintf("alter schema %s rename to away; alter schema away rename to %s", s, s),
		fmt.Sprintf("alter schema %s rename to away; alter schema %s rename to %s; alter schema away rename to %s", s, other, s, other),
		fmt.Sprintf("create schema if not exists %s authorization current_user", pick(g.dice, roles...)),
		fmt.Sprintf("drop view if exists %s.%s cascade", s, name),
		fmt.Sprintf("do $$ begin execute 'create table %s.%s as select id + 400 as id, tenant, owner, n from %s.items'; end $$", s, name, other),
	)
}

func (g *generator) changeType(s string) string {
	return pick(g.dice,
		fmt.Sprintf("alter type %s.mood rename value 'ok' to 'fine'", s),
		fmt.Sprintf("alter type %s.mood rename value 'fine' to 'ok'", s),
		fmt.Sprintf("alter type %s.mood add value if not exists 'more%d'", s, g.IntN(3)),
		fmt.Sprintf("alter domain %s.pos add check (value < %d)", s, 20+g.IntN(9)),
		fmt.Sprintf("alter type %s.pair rename attribute a to c", s),
		fmt.Sprintf("alter type %s.pair rename attribute c to a", s),
		fmt.Sprintf("alter type %s.mood rename to feeling", s),
	)
}

func (g *generator) changePartitions(s string) string {
	return pick(g.dice,
		fmt.Sprintf("alter table %s.parts detach partition %s.parts_1", s, s),
		fmt.Sprintf("alter table %s.parts attach partition %s.parts_1 for values in ('t1')", s, s),
		fmt.Sprintf("alter table %s.kid no inherit %s.base", s, s),
		fmt.Sprintf("alter table %s.kid inherit %s.base", s, s),
		fmt.Sprintf("create table %s.kid%d () inherits (%s.base)", s, g.IntN(3), s),
		fmt.Sprintf("insert into %s.kid%d select * from %s.base", s, g.IntN(3), s),
	)
}

// changeDefaults changes what sessions begin with that are dialled from now on.
func (g *generator) changeDefaults() string {
	s := pick(g.dice, g.settings...)
	if s.name == "role" || s.name == "session_authorization" {
		return "alter role current_user reset all"
	}
	value := s.quoted(pick(g.dice, s.values...))
	return pick(g.dice,
		fmt.Sprintf("alter role postgres set %s to %s", s.name, value),
		fmt.Sprintf("do $do$ begin execute format('alter database %%I set %s to %%s', current_database(), $q$%s$q$); end $do$", s.name, value),
		"alter role postgres reset all",
		fmt.Sprintf("alter role %s set %s to %s", g.role(), s.name, value),
	)
}

// changeGrants changes who may do what.
func (g *generator) changeGrants() string {
	s, r := g.schema(), g.role()
	rel := s + "." + pick(g.dice, g.relations...)
	switch g.IntN(12) {
	case 0:
		return fmt.Sprintf("alter role %s %s", r, pick(g.dice, "bypassrls", "nobypassrls"))
	case 1:
		return fmt.Sprintf("alter role %s %s", r, pick(g.dice, "superuser", "nosuperuser", "nosuperuser"))
	case 2:
		return pick(g.dice, "grant staff to "+r, "revoke staff from "+r, "grant own to "+r, "revoke own from "+r)
	case 3:
		return fmt.Sprintf("alter role %s %s", r, pick(g.dice, "inherit", "noinherit"))
	case 4:
		return fmt.Sprintf("%s usage on schema %s %s", pick(g.dice, "grant", "grant"), s, "to "+r)
	case 5:
		return fmt.Sprintf("revoke usage on schema %s from %s", s, pick(g.dice, r, "public"))
	case 6:
		return fmt.Sprintf("revoke %s on %s from %s", pick(g.dice, "select", "all", "select (id)"), rel, pick(g.dice, r, "public"))
	case 7:
		return fmt.Sprintf("revoke all on all tables in schema %s from %s", s, r)
	case 8:
		return fmt.Sprintf("%s execute on all functions in schema %s %s", pick(g.dice, "grant", "grant"), s, "to "+r)
	case 9:
		if g.expect.functions {
			return fmt.Sprintf("revoke execute on all functions in schema %s from public, %s", s, r)
		}
	case 10:
		return fmt.Sprintf("reassign owned by %s to %s", r, g.role())
	}
	return g.grant(s, r)
}

// temp makes a temporary relation that hides others of its name, or takes one away.
func (g *generator) temp(on int) op {
	name := pick(g.dice, g.relations...)
	sql := pick(g.dice,
		"create temp table N (id int, tenant text, owner text, n int)",
		"create temp table N as select id + 1000 as id, tenant, owner, n from "+g.rel(),
		"create temp view N as select id + 2000 as id, tenant, owner, n from "+g.own(g.relations...),
		"create table pg_temp.N (id int, tenant text, owner text, n int)",
		"create temp table N on commit drop as select 1 as id, 't0' as tenant, 'bob' as owner, 5 as n",
		"select id, tenant, owner, n into temp N from "+g.rel(),
		"insert into N (id, tenant, owner, n) values (3000, 't1', 'bob', 1)",
		"do $$ begin create temp table N as select 1 as id, 't0' as tenant, 'bob' as owner, 5 as n; end $$",
		"create function pg_temp.imm(int) returns int immutable language sql as 'select 7'",
		"alter table pg_temp.N rename to "+pick(g.dice, g.relations...),
		"drop table if exists pg_temp.N", "drop table if exists pg_temp.N", "drop table if exists pg_temp.N",
		"drop view if exists pg_temp.N", "drop view if exists pg_temp.N", "discard temp",
	)
	return op{on: on, do: exec, sql: replaceName(sql, name), kind: "temp"}
}
