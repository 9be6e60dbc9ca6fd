package sessions_test

import "fmt"

// makeFunctions makes a schema's functions. Labels are true: one that is called immutable is, as long as it is not replaced.
// They are found along the search_path when they are called, save those that name their schema.
func (w *world) makeFunctions(s string, k int) {
	if !w.expect.functions {
		return
	}
	for _, name := range []string{"imm", "pimm", "nest", "stab", "pstab", "atom", "who", "ten", "vol", "volread", "setpath", "honest", "definer", "fixed", "acc"} {
		w.addf("create function %s", w.function(s, name, k))
	}
	w.addf("create procedure %s.proc(int) language plpgsql as $$ begin update %s.%s set n = n + $1 where id = 1; end $$", s, s, pick(w.dice, "items", "orders"))
	w.addf("create view %s.vvol as select %s.vol(1) as n", s, s)
	w.addf("create aggregate %s.agg(int) (sfunc = %s.acc, stype = int, initcond = '%d')", s, s, k)
}

// function is a function's definition after CREATE.
func (w *world) function(s, name string, k int) string {
	f := func(format string, args ...any) string { return s + "." + fmt.Sprintf(format, args...) }
	table := pick(w.dice, "items", "orders", s+".items", "members")
	switch name {
	case "imm":
		return f("imm(int) returns int immutable language sql as 'select $1 * %d'", k)
	case "pimm":
		return f("pimm(int) returns int immutable language plpgsql as 'begin return $1 + %d; end'", k)
	case "nest": // calls another, which may be replaced
		return f("nest(int) returns int immutable language sql begin atomic select %s.pimm($1) * %d; end", s, k)
	case "stab":
		return f("stab() returns bigint stable language sql as 'select count(*) + %d from %s'", k, table)
	case "pstab":
		return f("pstab(text) returns bigint stable language plpgsql as 'begin return (select sum(n) + %d from %s where tenant = $1); end'", k, table)
	case "atom":
		return f("atom() returns bigint stable language sql begin atomic select count(*) + %d from %s.%s; end", k, s, pick(w.dice, "items", "orders"))
	case "who":
		return f("who() returns text stable language sql as 'select current_user::text || %d'", k)
	case "ten":
		return f("ten() returns text stable language sql as $$ select current_setting('app.tenant', true) || '' $$")
	case "vol":
		return f("vol(int) returns int language plpgsql as 'begin update %s set n = n + $1 where id %% 2 = %d; return $1; end'", table, k%2)
	case "volread":
		return f("volread(int) returns bigint language sql as 'select count(*) + $1 from %s'", table)
	case "setpath":
		return f("setpath(text) returns text language plpgsql as $$ begin perform set_config('search_path', $1, false); return $1; end $$")
	case "honest": // called stable, and yet depends on nothing: a rule may vouch for it
		return f("honest(int) returns int stable language sql as 'select $1 - %d'", k)
	case "definer":
		return f("definer() returns bigint stable security definer language sql as 'select count(*) + %d from %s.items'", k, s)
	case "fixed":
		return f("fixed() returns bigint stable language sql set search_path = %s as 'select count(*) + %d from items'", s, k)
	default:
		return f("acc(int, int) returns int immutable language sql as 'select $1 + coalesce($2, 0)'")
	}
}

// createTrigger makes a trigger that writes another table than the one it is on.
func (w *world) createTrigger() string {
	s := w.schema()
	on, to := pick(w.dice, "items", "orders", "members"), pick(w.dice, "members", "orders", "logs")
	body := pick(w.dice,
		fmt.Sprintf("update %s.%s set n = n + 1", s, to),
		fmt.Sprintf("insert into %s.logs (tenant, n) values (''t0'', 1)", s),
		fmt.Sprintf("delete from %s.%s where id > 10", s, to))
	kind := choose(w.dice,
		option[string]{3, func() string { return fmt.Sprintf("trigger %s after insert or update or delete on %s.%s", "go", s, on) }},
		option[string]{1, func() string {
			return fmt.Sprintf("constraint trigger go after insert or update on %s.%s deferrable initially deferred for each row when (pg_trigger_depth() < 1)", s, on)
		}},
	)
	return fmt.Sprintf("do $do$ begin create or replace function %s.fire() returns trigger language plpgsql security definer as "+
		"'begin if pg_trigger_depth() < 2 then %s; end if; return null; end'; create %s execute function %s.fire(); end $do$", s, body, kind, s)
}
