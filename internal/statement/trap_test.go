package statement

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Each of these has misled somebody: a cache before us, a parser, or us. TestTrap... in the other files are of the same kind.
func TestTraps(t *testing.T) {
	const (
		plain  = "a plain read"
		not    = "not cached"
		writes = "writes w"
		opaque = "may do anything"
	)
	for _, c := range []struct {
		trap string
		want string
		sqls []string
	}{
		{"writes inside EXPLAIN", writes, []string{
			"explain analyze update w set a = 1", "explain (analyze, verbose) with x as (delete from w returning *) select * from x",
			"EXPLAIN /* */ ANALYZE merge into w using u on true when matched then delete",
		}},
		{"writes inside WITH", writes, []string{
			"with x as (merge into w using u on true when matched then delete returning *) select * from x",
			"with x as (with y as (with z as (insert into w values (1) returning *) select * from z) select * from y) select * from x",
			"with x as (delete from w) select 1", "(with x as (update w set a = 1 returning *) select * from x) union select 2",
			"select 1 union all (with x as (update w set a = 1 returning *) select * from x)",
			"select (with x as (delete from w returning a) select max(a) from x)", "select * from (with x as (delete from w returning a) table x) y",
		}},
		{"writes inside COPY, DECLARE and PREPARE", writes, []string{
			"copy w from stdin", "copy (update w set a = 1 returning *) to stdout", "copy (with x as (delete from w returning *) table x) to stdout",
			"declare c cursor for with x as (delete from w returning *) table x", "prepare p as insert into w values ($1)",
		}},
		{"writes that look like reads", writes, []string{
			"/* select 1 */ delete from w", "-- select 1\ndelete from w", "(((with x as (delete from w returning *) table x)))",
			"with select1 as (select 1) insert into w table select1", "truncate w", "truncate only w, w",
		}},
		{"code that is not in the text", opaque, []string{
			"execute p", "execute p(1)", "explain execute p", "call f()", "do $$ begin end $$", "create table t as execute p",
			"create rule r as on insert to t do also (delete from w; delete from b)", "load 'x'", "refresh materialized view w",
		}},
		{"rights that change", opaque, []string{
			"revoke select on w from u", "grant a to b", "alter role a bypassrls", "alter policy p on w using (true)", "drop policy p on w",
			"alter table w disable row level security", "alter table w force row level security", "alter default privileges revoke all on tables from public",
			"drop owned by a", "reassign owned by a to b",
		}},
		{"names that change what they stand for", opaque, []string{
			"alter table w rename to v", "drop view v", "create temp table w (a int)", "create or replace function f() returns int language sql as 'select 1'",
			"create or replace view v as select 1", "import foreign schema a from server b into c", "alter type t add value 'x'",
		}},
		{"texts that are not understood", opaque, []string{
			"selec 1", "select 1 from", "select '" + strings.Repeat("x", maxText) + "'", "select 1 \x00", "select \"a\rb\"",
			strings.Repeat("(", 100_000), "select " + strings.Repeat("not ", maxDepth) + "true", "begin; create table t (a int); insert into t values (1)",
		}},
		{"other rows each time", not, []string{
			"select * from t tablesample system (1)", "select * from t where exists (select from u tablesample bernoulli (50))",
		}},
		{"locks, however deep", not, []string{
			"select * from t for update", "select * from (select * from t for share) x", "select * from t where a in (select a from u for no key update)",
			"with x as (select * from t for key share) select * from x", "(select * from t for update)", "select * from t for update skip locked",
		}},
		{"where a row is stored", not, []string{
			"select ctid from t", "select t.xmin from t", "select public.t.xmax from public.t", "select * from t where tableoid = 1", "select (t).cmin from t",
			"select count(*) from t group by cmax",
		}},
		{"what only this session can see", not, []string{
			"select * from pg_temp.t", "select * from pg_temp_3.t", "select '1'::pg_temp.d", `select * from "pg_temp".t`,
		}},
		{"the time", not, []string{
			"select current_date", "select current_time", "select current_timestamp(3)", "select localtime", "select localtimestamp",
			"select * from t where a > current_date - 7", "select * from t where a = 'today'", "select '[today,)'::daterange", "select 'today10:00'::timestamptz",
			"select * from t where a = 'Yesterday'::date", "select time '12:00' at time zone 'UTC' = '12:00'::timetz",
		}},
		{"who asks, which is in the identity", plain, []string{
			"select current_user, session_user, user, current_role", "select * from t where owner = current_user", "select current_catalog, current_schema",
		}},
		{"words that are no moments", plain, []string{
			"select 'nowhere', 'todays', 'know', 'epoch', '-infinity'", "select 1 as now", "select now from today", `select "now" from t`,
		}},
		{"names in strings and comments", plain, []string{
			"select 'delete from w'", "select 1 -- ; delete from w", "select /* ; delete from w /* ; */ delete from w */ 1", "select $$; delete from w; $$",
			`select 1 as "; delete from w"`, `select e'\'; delete from w; --'`,
		}},
		{"a semicolon that ends nothing", plain, []string{"select 1;", ";select 1", "select 1;;", "select 1 ; -- done"}},
	} {
		t.Run(c.trap, func(t *testing.T) {
			for _, sql := range c.sqls {
				s := Analyze(sql)
				got := plain
				switch {
				case s.WritesAnything && s.ChangesSchema && s.ChangesSession && s.EndsTransaction:
					got = opaque
				case s.WritesAnything || s.ChangesSchema || s.EndsTransaction:
					got = "something else"
				case len(s.Writes) > 0:
					got = "writes " + s.Writes[0].String()
				case s.ChangesSession:
					got = "changes the session"
				case !s.Cacheable():
					got = not
				}
				if got != c.want || s.Text != sql {
					t.Errorf("%.80q: %s, want %s (%.80s)", sql, got, c.want, s.Refusal)
				}
			}
		})
	}
}

// A name in a string or a comment is no name, and one that only differs in its quotes may be another.
func TestTrapRelationsAreNotFoundByTheirLetters(t *testing.T) {
	for sql, want := range map[string]string{
		"select 'orders' from items -- orders":               "[items]",
		"select orders.a /* from carts */ from items":        "[items]",
		`select 1 from "Orders", orders, ORDERS, "or""ders"`: `[Orders or"ders orders]`,
		"select 1 from my_orders, orders_2, sales.orders":    "[my_orders orders_2 sales.orders]",
		"select extract(year from a), trim(b from c) from t": "[t]",
		"table a":                           "[a]",
		"select 1 from a, (b cross join c)": "[a b c]",
	} {
		if got := fmt.Sprint(Analyze(sql).Names.Relations); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

// IN, CASE, NULLIF, DISTINCT, BETWEEN and joins compare without naming an operator, and a user's own may be meant.
func TestTrapComparisonsWithoutAName(t *testing.T) {
	for _, sql := range []string{
		"select 1 from t where a in (select b from u)", "select case a when b then 1 end from t", "select nullif(a, b) from t",
		"select distinct a from t", "select * from t join u using (a)", "select a from t group by a", "select max(a) from t",
		"with w as (delete from t returning *) select * from w",
	} {
		for _, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
			if n := Analyze(sql).Names; !slices.Contains(n.Operators, op) || n.OwnOperators() {
				t.Errorf("%s: %v", sql, n.Operators)
			}
		}
	}
	if n := Analyze(`select a \ b from t`).Names; !n.OwnOperators() {
		t.Error(`the parser takes \ for an operator, which PostgreSQL doesn't know`)
	}
}

// t.f and (x).f may be calls of f.
func TestTrapColumnsThatAreFunctions(t *testing.T) {
	n := Analyze("select t.f, s.t.g, (t).h, (a + b).i, (x).j.k, l[1].m, (n.o).p from s.t where t.q = 1 order by r").Names
	if got := fmt.Sprint(n.Columns, n.Fields); got != "[f g o q] [h i j k m p]" {
		t.Error(got)
	}
}

// The parser writes SQL's own syntax for a call with a schema, but substring(a, 1, 2) may be a user's function.
func TestTrapSubstring(t *testing.T) {
	for _, sql := range []string{"select substring(a, 1, 2) from t", "select substring(a from 1 for 2) from t"} {
		f := Analyze(sql).Names.Functions
		if !slices.Contains(f, Function{Name{Name: "substring"}, 3}) || !slices.Contains(f, Function{Name{"pg_catalog", "substring"}, -1}) {
			t.Errorf("%s: %v", sql, f)
		}
	}
}

// A relation's name may be hidden by a WITH query in one place and meant in another: both are looked up.
func TestTrapNamesOfWithQueries(t *testing.T) {
	s := Analyze("with a as (select * from a), b as (select * from c) select * from b, (with d as (select 1) select * from d, s.d) x")
	if got := fmt.Sprint(s.Names.Relations, s.CTEs); got != "[a b c d s.d] [d a b]" {
		t.Error(got)
	}
}

// Only DISCARD ALL takes back whatever the session was given.
func TestTrapResets(t *testing.T) {
	for _, sql := range []string{
		"discard all", "discard temp", "discard plans", "discard sequences", "reset all", "reset role", "reset session authorization",
		"set role a", "set local role a", "set session authorization a", "set session authorization default", "set search_path = a", "set schema 'a'",
		"set names 'latin1'", "set time zone 'UTC'", "set session characteristics as transaction read only", "set transaction_read_only = on",
		"set datestyle = iso, dmy", "set local app.x = 1, 2", "select 1 into temp t",
	} {
		if s := Analyze(sql); !s.ChangesSession || s.ResetsSession != (sql == "discard all") || s.Cacheable() {
			t.Errorf("%s: changes %v, resets %v", sql, s.ChangesSession, s.ResetsSession)
		}
	}
	for _, sql := range []string{"deallocate all", "unlisten *", "close all", "set transaction read only", "rollback"} {
		if s := Analyze(sql); s.ChangesSession || s.ResetsSession || s.Cacheable() {
			t.Errorf("%s: changes %v, resets %v", sql, s.ChangesSession, s.ResetsSession)
		}
	}
}

// Fields that run into each other must not make two questions, or two keys, one.
func TestTrapFieldsThatRunTogether(t *testing.T) {
	for _, pair := range [][2]string{
		{"select 1 from ab, c", "select 1 from a, bc"},
		{"select 1 from a.b", `select 1 from "a.b"`},
		{"select ab(1), c(2)", "select a(1), bc(2)"},
		{"select 1 from a, b", "update a set x = 1 from b"},
		{"select t.a, (t).b from t", "select t.b, (t).a from t"},
		{"select f(1, 2)", "select f(12)"},
	} {
		if Analyze(pair[0]).Question() == Analyze(pair[1]).Question() {
			t.Errorf("%s\n%s\nask the same", pair[0], pair[1])
		}
	}
}

// The parser forgets clauses inside parentheses when there are others outside. PostgreSQL runs them.
func TestTrapPartsThatTheParserLoses(t *testing.T) {
	conn := server(t)
	if _, err := conn.Exec(t.Context(), "create table t (a int); create table hidden (h int)"); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"(select a from t order by (select max(h) from hidden)) limit 1",
		"(select a from t order by a) limit 1",
		"(select a from t order by random()) offset 1",
		"(select a from t limit (select max(h) from hidden)) offset 1",
		"(select a from t offset 1) limit (select max(h) from hidden)",
		"(select a from t fetch first 1 row only) offset 1",
		"(select a from t order by 1) for update",
		"(select a from t for update) limit 1",
		"((select a from t for share) order by 1) limit 1",
		"with x as ((select a from t order by a + 1) limit 1) select * from x",
		"insert into t (select a from t order by a) limit 1",
		"select * from ((select a from t order by a) limit 1) x",
		"explain (select a from t for update) limit 1",
		"select 1; (select a from t order by a) limit 1",
	} {
		if s := Analyze(sql); s.Cacheable() || !s.mayDoAnything() {
			t.Errorf("%s: %+v", sql, s)
		}
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: not even PostgreSQL takes it: %v", sql, err)
		}
	}
	// Nothing is lost where the words look alike.
	for _, sql := range []string{
		"select t.order, t.limit, t.select, t.offset, t.fetch, t.for from t", "select 1 as order, 2 as limit, 3 as select, 4 as for, 5 as fetch",
		`select "order", "limit" from "select"`, "select substring(a from 1 for 2), substring(a for length(b)), overlay(a placing b from 1 for 2) from t",
		"(select a from t order by b limit 1) union (select c from u order by d limit 2) order by 1 limit 3 offset 4",
		"select a from t limit all", "select a from t offset 1 rows fetch next row only", "select a from t fetch first 2 rows with ties",
		"select array_agg(a order by b), rank() over (order by c), percentile_cont(0.5) within group (order by d) from t window w as (order by e)",
		"select count(*) over w from t window w as (partition by a order by b)", "select 'it''s', e'a\\nb', $$x$$, u&'\\0061', u&\"\\0061\", N'x', b'1', x'f'",
		"select interval '1' day, interval(3) '1', time with time zone '12:00' is null, a at time zone 'UTC', extract(epoch from b) from t",
		"select \"É\", É, ñ from t", "with recursive x(a) as (table t union all select a from x) search depth first by a set o select * from x",
	} {
		if s := Analyze(sql); s.mayDoAnything() {
			t.Errorf("%s: %s", sql, s.Refusal)
		}
	}
}
