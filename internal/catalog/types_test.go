package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// called are the user's functions that a statement may call and that are not immutable.
func calledBy(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	var names []string
	for _, f := range ask(t, conn, sql).Functions {
		if !f.BuiltIn() {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// A type's own functions run where nobody names them: when a value of it is read, written, compared or cast.
func TestFunctionsOfTypes(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		set client_min_messages = error; -- PostgreSQL warns of such functions
		create type odd;
		create function odd_in(cstring) returns odd language internal volatile strict as 'textin';
		create function odd_out(odd) returns cstring language internal volatile strict as 'textout';
		create function odd_send(odd) returns bytea language internal stable strict as 'textsend';
		create function odd_recv(internal) returns odd language internal immutable strict as 'textrecv';
		create type odd (input = odd_in, output = odd_out, send = odd_send, receive = odd_recv, like = text);
		create function odd_cmp(odd, odd) returns int language sql stable as 'select 0';
		create function odd_eq(odd, odd) returns bool language sql immutable as 'select true';
		create operator = (leftarg = odd, rightarg = odd, function = odd_eq);
		create operator <<< (leftarg = odd, rightarg = odd, function = odd_eq);
		create operator class odd_ops default for type odd using btree as operator 1 <<<, operator 3 =, function 1 odd_cmp(odd, odd);
		create type wrapped as (a int, o odd);
		create domain over_odd as odd;
		create type odd_range as range (subtype = odd);
		create function make_odd(int) returns odd language sql immutable as 'select null::odd';
		create function make_odds(out a int, out b odd[]) language sql immutable as 'select 1, null::odd[]';
		create function make_table(int) returns table (a int, b over_odd) language sql immutable as 'select 1, null::over_odd';
		create function take_odd(odd) returns int language sql immutable as 'select 1';
		create table odd_table (id int, w wrapped[]);
		create view odd_view as select make_odd(1) as x;
		create view odd_inside as select concat(make_odd(1)) as x;
		create view range_view as select null::odd_range as x;

		create type tame as (a int);
		create function tame_to_int(tame) returns int language sql volatile as 'select 1';
		create cast (tame as int) with function tame_to_int(tame);
		create table tame_table (id int, t tame);
		create function make_tame(int) returns tame language sql immutable as 'select null::tame';
		create domain vetted as int check (spend(value) > 0);
		create function take_vetted(vetted) returns int language sql immutable as 'select 1';
		create function sum_up(int, int) returns int language sql volatile as 'select 1';
		create aggregate total (int) (sfunc = sum_up, stype = int);
	`)
	const odd = "odd_cmp odd_in odd_out odd_send"
	for sql, want := range map[string]string{
		"select 1":                           "",
		"select * from customers":            "",
		"select concat(make_odd(1))":         odd,
		"select make_odd(1)":                 odd,
		"select * from make_odds()":          odd,
		"select * from make_table(1)":        odd,
		"select take_odd('x')":               odd, // a literal is read into it
		"select * from odd_table":            odd,
		"select * from odd_view":             odd,
		"select * from odd_inside":           odd,
		"select * from range_view":           odd,
		"select 'x'::over_odd":               odd,
		"select null::odd_range":             odd,
		"select 'a' <<< 'b'":                 odd,
		"select to_jsonb(t) from tame_table": "tame_to_int", // it is not asked what to
		"select t::int from tame_table":      "tame_to_int",
		"select make_tame(1)::int":           "tame_to_int",
		"select 'x'::vetted":                 "spend tame_to_int", // nor from what
		"select take_vetted(1)":              "spend tame_to_int",
		"select total(id) from customers":    "sum_up",
	} {
		if got := calledBy(t, conn, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	// to_json uses a cast to json of any kind.
	exec(t, conn, `create function tame_to_json(tame) returns json language sql stable as $$ select '{}'::json $$;
		create cast (tame as json) with function tame_to_json(tame)`)
	if got := calledBy(t, conn, "select to_jsonb(t.t) from tame_table t"); !strings.Contains(got, "tame_to_json") {
		t.Errorf("to_jsonb: %q", got)
	}
	// Casts that apply by themselves, and comparisons for a type that came without, apply anywhere.
	exec(t, conn, `create function soften(int) returns tame language sql volatile as 'select null::tame';
		create cast (int as tame) with function soften(int) as implicit;
		create function json_cmp(json, json) returns int language sql stable as 'select 0';
		create function json_less(json, json) returns bool language sql immutable as 'select false';
		create operator <~~ (leftarg = json, rightarg = json, function = json_less);
		create operator class json_ops default for type json using btree as operator 1 <~~, function 1 json_cmp(json, json)`)
	if got := calledBy(t, conn, "select 1"); got != "json_cmp soften" {
		t.Errorf("anywhere: %q", got)
	}
}

// SQL functions with a body that was parsed when they were made are looked through, however deep.
func TestAtomicFunctions(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create function inner_f(x int) returns bigint immutable begin atomic select count(*) from items where ord = x and random() > 0; end;
		create function outer_f(x int, y float default random()) returns bigint immutable begin atomic select inner_f($1) + 1; end;
		create function today() returns date immutable begin atomic select current_date; end;
		create view through as select outer_f(id) from customers;
		create function several() returns int immutable begin atomic select 1; select 2 from quick; end;
	`)
	for _, sql := range []string{"select outer_f(1)", "select * from through", "select x.outer_f from through x"} {
		a := ask(t, conn, sql)
		var functions []string
		for _, f := range a.Functions {
			functions = append(functions, f.Name)
		}
		if !strings.Contains(relationNames(a), "items") || !slices.Equal(functions, []string{"random"}) {
			t.Errorf("%s: %s, %s", sql, relationNames(a), functions)
		}
	}
	if got := ask(t, conn, "select today()").Refusal(); !strings.Contains(got, "asks for the time") {
		t.Errorf("%q", got)
	}
	if got := relationNames(ask(t, conn, "select several()")); got != "quick" {
		t.Error(got)
	}
}

// What a name stands for is decided along the search_path, and every overload there counts.
func TestSearchPath(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create schema one; create schema two;
		create table one.t (a int); create table two.t (b int); create table two.u (c int);
		create function one.f(int) returns int language sql immutable as 'select 1';
		create function two.f(text) returns int language sql volatile as 'select 1';
		create type two.lower as (a int);
	`)
	for _, c := range []struct{ path, sql, relations, functions string }{
		{"one, two", "select * from t, u", "one.t two.u", ""},
		{"two, one", "select * from t, u", "two.t two.u", ""},
		{"one", "select * from t", "one.t", ""},
		{"two", "select * from one.t", "one.t", ""},
		{"one", "select f(1)", "", ""},
		{"two", "select f('x')", "", "f"},
		{"one, two", "select f(1)", "", "f"}, // who knows which it will be
		{"two, one", "select one.f(1)", "", ""},
		{"''", "select one.f(1) from two.t", "two.t", ""},
	} {
		exec(t, conn, "set search_path = "+c.path)
		a := ask(t, conn, c.sql)
		var relations []string
		for _, r := range a.Relations {
			relations = append(relations, r.String())
		}
		if got := strings.Join(relations, " "); got != c.relations || calledBy(t, conn, c.sql) != c.functions {
			t.Errorf("%s, %s: %s, %s", c.path, c.sql, got, calledBy(t, conn, c.sql))
		}
	}
}

// Partitions and children are read through their parents, on any level; only the parents' columns, policies and rights count.
func TestInheritance(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create table tree (id int, at timestamptz) partition by range (id);
		create table tree_low partition of tree for values from (0) to (10) partition by range (id);
		create table tree_lowest partition of tree_low for values from (0) to (5);
		create table tree_high partition of tree default;
		create table parent (id int); create table child (more timetz) inherits (parent); create table grandchild () inherits (child);
		create policy p on tree_lowest using (spend(id) > 0); alter table tree_lowest enable row level security;
		create view trees as select t.id from tree t join parent p using (id);
	`)
	for sql, want := range map[string]string{
		"select * from tree":        "tree tree_high tree_low tree_lowest",
		"select * from tree_low":    "tree_low tree_lowest",
		"select * from parent":      "child grandchild parent",
		"select * from only parent": "child grandchild parent",
		"select * from trees":       "child grandchild parent tree tree_high tree_low tree_lowest trees",
	} {
		a := ask(t, conn, sql)
		if got := relationNames(a); got != want || a.Refusal() != "" || calledBy(t, conn, sql) != "" {
			t.Errorf("%s: %s, %q, %s", sql, got, a.Refusal(), calledBy(t, conn, sql))
		}
		for _, r := range a.Relations {
			if r.Covered != (want[:4] != r.Name[:4] || strings.Contains(r.Name, "_")) && sql == "select * from tree" {
				t.Errorf("%s: %+v", sql, r)
			}
		}
	}
	if got := calledBy(t, conn, "select * from tree_lowest"); got != "spend" {
		t.Errorf("read by its own name its policy counts: %q", got)
	}
	if got := ask(t, conn, "select * from child").Refusal(); !strings.Contains(got, "child.more") {
		t.Error(got)
	}
}
