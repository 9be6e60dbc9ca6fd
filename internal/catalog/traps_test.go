package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Each of these has made somebody's cache lie.
func TestTraps(t *testing.T) {
	conn := open(t)
	t.Run("the dependency catalog leaves built-in functions out", func(t *testing.T) {
		exec(t, conn, `
			create domain lucky as int check (value > random());
			create table holds (id int, l lucky);
			create table hidden (id int); alter table hidden enable row level security;
			create policy p on hidden using (id > random());
			create function chance() returns float begin atomic select random(); end;
			create function maybe(x float default random()) returns float language sql immutable as 'select $1';
			create view shows as select * from (select (select max(random())) as n) x`)
		for _, sql := range []string{"select * from dice", "select * from holds", "select 1::lucky", "select * from hidden", "select chance()", "select maybe()", "select * from shows"} {
			if !calls(t, conn, sql, "random") {
				t.Error(sql)
			}
		}
	})
	t.Run("aggregates are always labelled immutable", func(t *testing.T) {
		exec(t, conn, `
			create function step(int, int) returns int language sql volatile as 'select 1';
			create function finish(int) returns int language sql stable as 'select 1';
			create aggregate stepped (int) (sfunc = step, stype = int);
			create aggregate finished (int) (sfunc = int4pl, stype = int, finalfunc = finish);
			create view steps as select stepped(id) over (order by id) from customers`)
		for sql, function := range map[string]string{
			"select stepped(id) from customers": "step", "select finished(id) from customers": "finish", "select * from steps": "step",
			"select json_agg(id) from customers": "json_agg",
		} {
			if !calls(t, conn, sql, function) {
				t.Errorf("%s: %s", sql, function)
			}
		}
	})
	t.Run("a view can do what the statement itself may not", func(t *testing.T) {
		exec(t, conn, `
			create view places as select ctid::text as place, id from customers;
			create view writers as select id from customers where (select max(xmin::text) from orders) is not null;
			create view pieces as select tableoid::int8 as part from customers;
			create view waits as select id from customers for update;
			create view shares as select id from (select id from customers for share) c`)
		for view, want := range map[string]string{
			"places": "system column", "writers": "system column", "pieces": "system column", "waits": "locks rows", "shares": "locks rows",
		} {
			if got := ask(t, conn, "select * from "+view).Refusal(); !strings.Contains(got, want) {
				t.Errorf("%s: %q", view, got)
			}
		}
	})
	t.Run("IN and CASE use = without naming it", func(t *testing.T) {
		exec(t, conn, `create function same(customers, customers) returns bool language sql volatile as 'select true';
			create operator = (leftarg = customers, rightarg = customers, function = same)`)
		defer exec(t, conn, "drop operator = (customers, customers); drop function same")
		for _, sql := range []string{
			"select c in (select d from customers d) from customers c", "select case c when d then 1 end from customers c, customers d",
			"select c = any (array(select d from customers d)) from customers c",
		} {
			if !calls(t, conn, sql, "same") {
				t.Error(sql)
			}
		}
	})
	t.Run("t.f may be f(t)", func(t *testing.T) {
		for _, sql := range []string{"select c.pick from customers c", "select (c).pick from customers c", "select n.pick from (select c.* from customers c) n"} {
			if !calls(t, conn, sql, "pick") {
				t.Error(sql)
			}
		}
	})
	t.Run("STABLE is not safe, and not always unsafe", func(t *testing.T) {
		for sql, want := range map[string]bool{
			"select now()": false, "select txid_current()": false, "select has_table_privilege('customers', 'select')": false,
			"select table_to_xml('customers', true, true, '')": false, "select age(at) from orders": false, "select pg_backend_pid()": false,
			"select current_setting('x.y')": false, "select version()": false, "select to_regclass('x')": false, "select statement_timestamp()": false,
			"select json_to_record('{}')": false, "select convert_from('x', 'UTF8')": false, "select pg_column_size(1)": false, "select current_schemas(true)": false,
			"select jsonb_agg(id) from customers": true, "select to_char(at, 'YYYY') from orders": true, "select concat(id, name) from customers": true,
			"select date_trunc('day', at) from orders": true, "select id || 'x' from customers": true, "select at > '2020-01-01'::date from orders": true,
			"select format('%s', id), to_jsonb(c), array_to_string(array[1], ',') from customers c": true, "select extract(hour from at) from orders": true,
			"select at::date, at + interval '1 day', at::text from orders": true, "select to_tsvector(name) @@ plainto_tsquery('x') from customers": true,
			"select current_database(), current_schema()": true, "select 1::money, xml '<a/>', quote_literal(1)": true, "select age(at, at) from orders": true,
		} {
			for _, f := range ask(t, conn, sql).Functions {
				if f.OfSession() != want {
					t.Errorf("%s: %s: %v", sql, f, !want)
				}
			}
		}
		if a := ask(t, conn, "select now()"); len(a.Functions) != 1 {
			t.Error(a.Functions)
		}
	})
	t.Run("only bodies that were parsed are followed", func(t *testing.T) {
		exec(t, conn, `create function crosses(text) returns int language plpgsql stable as $$ begin execute $1; return 1; end $$;
			create function quoted() returns bigint language sql stable as 'select count(*) from items'`)
		for sql, function := range map[string]string{"select crosses('select 1')": "crosses", "select quoted()": "quoted"} {
			a := ask(t, conn, sql)
			if !calls(t, conn, sql, function) || a.Functions[0].OfSession() || len(a.Relations) > 0 || !a.MayWrite() {
				t.Errorf("%s: %v %v", sql, a.Functions, a.Relations)
			}
		}
	})
	t.Run("the worst overload counts", func(t *testing.T) {
		if !calls(t, conn, "select half('x')", "half") || calls(t, conn, "select half('x', 1)", "half") {
			t.Error("half")
		}
	})
	t.Run("what is no table of one's own", func(t *testing.T) {
		exec(t, conn, "create sequence counter; create foreign data wrapper w; create server elsewhere foreign data wrapper w; create foreign table far (id int) server elsewhere; create view over_far as select * from far; create index by_name on customers (name)")
		refusals(t, func(sql string) string { return ask(t, conn, sql).Refusal() }, map[string]string{
			"select last_value from counter": "is a sequence", "select * from far": "is a foreign table", "select * from over_far": "shop.far is a foreign table",
			"select * from pg_class": "is a system catalog", "select * from information_schema.tables": "is a system catalog", "select * from by_name": "neither a table nor a view",
		})
	})
	t.Run("a materialized view depends on itself", func(t *testing.T) {
		exec(t, conn, "create materialized view moods as select random() as r, now() as n, count(*) from orders")
		if a := ask(t, conn, "select * from moods"); relationNames(a) != "moods" || len(a.Functions) > 0 || a.Refusal() != "" {
			t.Errorf("%s %v %q", relationNames(a), a.Functions, a.Refusal())
		}
	})
	t.Run("the name of a CTE may be that of a table", func(t *testing.T) {
		a := ask(t, conn, "with orders as (select 1), c2 as (select 2) select * from orders, c2")
		if relationNames(a) != "orders" || fmt.Sprint(a.Unresolved) != "[c2]" {
			t.Error(relationNames(a), a.Unresolved)
		}
	})
	t.Run("a view is expanded as deep as it goes", func(t *testing.T) {
		sql := "create view v0 as select * from nested, summary, follow() f"
		for i := range 20 {
			sql += fmt.Sprintf("; create view v%d as select (select count(*) from v%d) as n where exists (select 1 from v%d)", i+1, i, i)
		}
		exec(t, conn, sql)
		if got := relationNames(ask(t, conn, "select * from v20")); !strings.HasPrefix(got, "customers items named nested orders summary v0 v1") {
			t.Error(got)
		}
	})
	t.Run("the session's own prepared statements may be discarded", func(t *testing.T) {
		for range 3 {
			exec(t, conn, "discard all")
			exec(t, conn, "deallocate all; set search_path = shop, public")
			if got := relationNames(ask(t, conn, "select * from named")); got != "customers named orders" {
				t.Error(got)
			}
		}
	})
}

// calls tells whether a statement may call a function that is not immutable.
func calls(t *testing.T, conn *pgx.Conn, sql, name string) bool {
	t.Helper()
	return slices.ContainsFunc(ask(t, conn, sql).Functions, func(f Function) bool { return f.Name == name })
}
