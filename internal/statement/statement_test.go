package statement

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPlainReads(t *testing.T) {
	for _, sql := range []string{
		"select 1",
		"select * from t",
		"table t",
		"values (1), (2)",
		"(select 1) union all (select 2) order by 1 limit 3",
		"with a as (select * from t), b as materialized (select * from a) select * from b",
		"with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r",
		"select a.bid, count(1) from pgbench_accounts a group by bid limit 5000",
		"select count(*) filter (where x > 1) over (partition by y order by z rows between 1 preceding and current row) from t",
		"select array[1, 2], array(select 1), row(1, 'x'), '{1}'::int[], (t).f, a[1:2] from t",
		"select case x when 1 then 'a' else 'b' end, coalesce(a, b), nullif(a, b), greatest(a, b) from t",
		"select * from f(1) with ordinality as g(a, b), lateral (select 1) l, rows from (g(1), h(2)) r",
		"select grouping(a), sum(b) from t group by rollup (a), cube (b), grouping sets ((a), ())",
		"select distinct on (a) a from t order by a desc nulls last",
		"select a from t where b in (1, 2) and c like 'x%' and d between 1 and 2 and not exists (select 1 from u)",
		"select a::int, b::text, $1::date, ('2020-01-01')::timestamp from t",
		"select interval '1 day', date '2020-01-01', timestamp 'epoch', 'infinity'::timestamptz",
		"select a collate \"C\" from t fetch first 5 rows with ties",
		"select current_user, user, session_user, current_role, current_catalog, current_schema",
		"select cast(s as date), (t.d)::timestamp from t",
		"select daterange(d, e), tstzrange(a, b, '[]') from t",
		"select current_setting('app.tenant')",
		"select 1 /* a comment */ -- and another",
		"select 1;",
		`select public.users.id, "public"."users"."name" from public.users where 'a.b.c' <> users.name`,
		"select 1.5, 'users.b.c' from users /* users.b.c */",
	} {
		if s := Analyze(sql); !s.Cacheable() || s.Changes() {
			t.Errorf("%s: %q, changes %v", sql, s.Refusal, s.Changes())
		}
	}
}

// What is not a plain read is refused, and says what it may change.
func TestOthers(t *testing.T) {
	const (
		writes  = 1 << iota // tables that it names
		all                 // any table
		schema              // the schema
		session             // the session
		ends                // it may end a transaction
		opaque  = all | schema | session | ends
	)
	for _, c := range []struct {
		sql  string
		want int
	}{
		{"", 0},
		{"selec 1", opaque},
		{"select \x00", opaque},
		{"select '" + strings.Repeat("x", maxText) + "'", opaque},
		{strings.Repeat("(", 100_000), opaque},
		{"select " + strings.Repeat("-", 0) + strings.Repeat("(", maxDepth) + "1" + strings.Repeat(")", maxDepth), opaque},

		{"select now() from t for share", 0},
		{"select * from (select * from t for update) x", 0},
		{"select current_date", 0},
		{"select localtimestamp(3)", 0},
		{"select 'now'::timestamp", 0},
		{"select '[today,)'::daterange", 0},
		{"select date 'Tomorrow'", 0},
		{"select * from t tablesample system (1)", 0},
		{"select xmin from t", 0},
		{"select t.ctid from t", 0},
		{"select 't'::regclass", 0},
		{"select ('n' || 'ow')::timestamptz", 0},
		{"select cast(s || '' as date) from t", 0},
		{"select tstzrange('[n' || 'ow,)')", 0},
		{`select '{n\ow}'::timestamptz[]`, 0},
		{`select '["n"ow,)'::tstzrange`, 0},
		{"select '12:00'::timetz", 0},
		{"select (array['n' || 'ow'])::date[]", 0},
		{"select * from db.s.t", 0},
		{`select 1 from a, "Db" . s."T" x`, 0},
		{"update db.s.t set a = 1", writes | all},
		{"select * from pg_temp.t", 0},
		{"select pg_temp.f()", all | session},
		{"select xmlelement(name x)", 0},
		{"select * into u from t", all | schema | session},
		{"explain select 1", 0},
		{"explain update t set a = 1", writes},
		{"explain (costs off) select 1", 0},
		{"show all", 0},
		{"listen x", 0},
		{"vacuum t", 0},
		{"begin", 0},
		{"savepoint a", 0},
		{"rollback to a", 0},

		{"insert into t values (1)", writes},
		{"insert into t select * from u on conflict (a) do update set b = 1 returning *", writes},
		{"update only t set a = 1 from u where t.id = u.id", writes},
		{"delete from s.t using u where true", writes},
		{"merge into t using u on t.id = u.id when matched then delete", writes},
		{"with w as (delete from t returning *) select * from w", writes},
		{"with a as (with b as (insert into t values (1) returning *) select * from b) select * from a", writes},
		{"explain analyze update t set a = 1", writes},
		{"explain (analyze false) update t set a = 1", writes},
		{"truncate t, u", writes},
		{"truncate t cascade", writes | all},

		{"commit", ends},
		{"rollback", ends},
		{"abort", ends},
		{"prepare transaction 'x'", ends},
		{"commit prepared 'x'", all | schema},
		{"set transaction isolation level serializable", 0},
		{"set transaction snapshot '1-1-1'", 0},
		{"set x = 1", session},
		{"set local role a", session},
		{"reset all", session},
		{"discard all", session},
		{"set session authorization a", session},
		{"prepare p as select 1", session},
		{"prepare p as delete from t", writes | session},

		{"execute p", opaque},
		{"call f()", opaque},
		{"do $$ begin end $$", opaque},
		{"create table t (a int)", opaque},
		{"create temp table t as select 1", opaque},
		{"alter role a bypassrls", opaque},
		{"grant select on t to u", opaque},
		{"refresh materialized view m", opaque},
		{"copy t from stdin", writes},
		{"copy t (a, b) from '/tmp/x' with (format csv) where a > 1", writes},
		{"copy t from program 'x'", writes | all},
		{"copy t to stdout", 0},
		{"copy t to program 'x'", all},
		{"copy (select * from t) to stdout", 0},
		{"copy (delete from t returning *) to stdout", writes},
		{"declare c cursor for select f()", 0},
		{"declare c cursor with hold for select * from t", 0},
		{"set constraints all immediate", 0},
		{"explain execute p", opaque},
		{"explain create table t as select 1", opaque},
		{"import foreign schema s from server x into y", opaque},
	} {
		s := Analyze(c.sql)
		got := 0
		for flag, set := range map[int]bool{
			writes: len(s.Writes) > 0, all: s.WritesAnything, schema: s.ChangesSchema, session: s.ChangesSession, ends: s.EndsTransaction,
		} {
			if set {
				got |= flag
			}
		}
		if s.Cacheable() || got != c.want {
			t.Errorf("%.80s: cacheable %v, changes %05b, want %05b (%s)", c.sql, s.Cacheable(), got, c.want, s.Refusal)
		}
	}
}

func TestNames(t *testing.T) {
	s := Analyze(`with c as (select lower(x) from s."T" where y in (select z from v))
		select substring(c.x, 1, 2), count(*), s.f(variadic array[1]), (r).g, x === y, '1'::dom from c join u on true order by x using <~`)
	got := fmt.Sprint(s.Names.Relations, s.Names.Functions, s.Names.Operators, s.Names.Types, s.Names.Columns, s.Names.Fields)
	want := "[c u v s.T] [count/-1 lower/1 substring/3 pg_catalog.substring/-1 s.f/-1] [< <= <> <~ = === > >=] [dom] [x] [g]"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Texts that differ in literals only ask the catalog the same.
func TestNamesOfEqualShapes(t *testing.T) {
	a, b := Analyze("select x from t where id = 1 and u = 'a'"), Analyze("select x from t where u = 'b' and id = 22")
	if a.Question() != b.Question() {
		t.Errorf("%v\n%v", a.Names, b.Names)
	}
}

// Texts to which the catalog could answer differently ask differently.
func TestQuestionsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, sql := range []string{
		"select f(1) from t", "select f(1, 2) from t", "select s.f(1) from t", "select f(variadic x) from t", `select f(1) from "s.t"`,
		"select f(1) from s.t", "select f(1)::t from t", "select f(1), t.t from t", "select f(1) ~ 1 from t", "update t set a = f(1)",
		`select "s.f"(1) from t`, "select 1 from t", "select 1 from t, u",
	} {
		q := Analyze(sql).Question()
		if other, taken := seen[q]; taken {
			t.Errorf("%s asks what %s asks", sql, other)
		}
		seen[q] = sql
	}
}

func TestTargets(t *testing.T) {
	s := Analyze("with a as (update s.t set x = 1 returning *) insert into u select * from a")
	if got := fmt.Sprint(s.Writes); got != "[u s.t]" {
		t.Error(got)
	}
}

// The parser's trees are walked by reflection: whatever stands anywhere in a statement is seen.
func TestNothingIsOverlooked(t *testing.T) {
	const hidden = "(select max(h) from hidden)"
	for _, frame := range []string{
		"select %s", "select a from t where b = %s", "select a from t order by %s", "select a from t limit %s", "select a from t offset %s",
		"select a from t group by %s", "select 1 having %s > 1", "select count(*) filter (where %s > 1)", "select count(*) over (order by %s) from t",
		"select count(*) over w from t window w as (partition by %s)", "select a[%s] from t", "select a[1:%s] from t", "select row(%s)",
		"select case when %s > 1 then 1 end", "select case 1 when %s then 1 end", "select case when true then %s end", "select case when true then 1 else %s end",
		"select coalesce(%s, 1)", "select greatest(%s, 1)", "select array[%s]", "select array(select %s)", "select x from t join u on %s > 1",
		"select x from lateral (select %s) l", "select x from f(%s)", "with c as (select %s) select 1", "values (1), (%s)", "select 1 union select %s",
		"select distinct on (%s) 1", "select f(a => %s)", "select string_agg(x, ',' order by %s)", "select percentile_cont(0.5) within group (order by %s)",
		"select 1 in (%s)", "select 1 = any (%s)", "select exists %s", "select not %s > 1", "select %s is null", "select %s is distinct from 1",
		"select 1 between %s and 2", "select 'a' like %s", "select %s::text", "select (%s).f", "select x collate \"C\" from t where y = %s",
		"select count(*) over (rows between %s preceding and current row)", "select sum(a) from t group by rollup (a, %s)",
		"insert into t values (%s)", "update t set a = %s", "update t set (a, b) = (select 1, %s)", "delete from t where a = %s returning %[1]s",
		"insert into t values (1) on conflict (a) do update set b = %s where c = 1",
		"merge into t using u on t.a = u.a when matched and %s = 1 then delete", "merge into t using (select %s) u on true when not matched then insert values (1)",
	} {
		sql := fmt.Sprintf(frame, hidden)
		s := Analyze(sql)
		if s.WritesAnything {
			t.Errorf("not parsed: %s: %s", sql, s.Refusal)
		}
		if !slices.Contains(s.Names.Relations, Name{Name: "hidden"}) || !slices.Contains(s.Names.Functions, Function{Name{Name: "max"}, 1}) {
			t.Errorf("overlooked in: %s", sql)
		}
	}
}
