package statement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

func (n Narrowing) String() string {
	value := n.Literal
	if n.Kind == ByParam {
		value = fmt.Sprintf("$%d", n.Param)
	} else if n.Kind == ByString {
		value = "'" + n.Literal + "'"
	}
	if n.Cast.Name != "" {
		value += "::" + n.Cast.String()
	}
	return fmt.Sprintf("%s.%s=%s", n.Relation, n.Column, value)
}

func TestNarrowings(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"select * from r where a = $1", "r.a=$1"},
		{"select * from r where $1 = a", "r.a=$1"},
		{"select * from s.r x where x.a = 1 and x.b = 'y' and x.c > 2", "s.r.a=1 s.r.b='y'"},
		{"select * from r where r.a = -1 and (b = (2.50)) and c = true", "r.a=-1 r.b=2.50 r.c=true"},
		{"select * from r where a = $1::int and b = 'x'::uuid and c = cast($2 as text)", "r.a=$1::int4 r.b='x'::uuid r.c=$2::text"},
		{"select * from r where a = date '2020-01-01' and b = ('1')::pg_catalog.int8", "r.a='2020-01-01'::date r.b='1'::pg_catalog.int8"},
		{"select * from public.r where public.r.a = 1", "public.r.a=1"},
		{"select count(*) from only r where a = 1 group by b having count(*) > 1 order by 1 limit 1", "r.a=1"},
		{"with c as (select * from s) select * from r, c where r.a = 1", "r.a=1"},
		{"select * from r, s where r.a = 1 and s.a = 2", "r.a=1 s.a=2"},
		{"select * from r join s on r.a = s.a and r.b = 1 where s.c = 2", "r.b=1 s.c=2"},
		{"select * from r join s using (a) where s.a = 2", "s.a=2"},
		{"select * from r left join s on s.b = 2 where r.a = 1", "r.a=1"},
		{"select * from r left join s on true where s.a = 1", "s.a=1"},
		{"select * from r full join s on r.a = s.a where s.a = 1", "s.a=1"},
		{"select * from u left join (r join s on r.a = 1) on true", "r.a=1"},
		{"select * from r where a = 1 and exists (select from s where s.a = r.b)", "r.a=1"},
		{"select * from r, lateral (select * from s where s.a = r.b) x where r.a = 1", "r.a=1"},
		{"select * from r as s where s.a = 1", "r.a=1"},
		{`select * from "R" where "R"."A b" = 1`, "R.A b=1"},

		// More than one way to the rows.
		{"select * from r x, r y where x.a = 1", ""},
		{"select * from r, s.r as y where r.a = 1", ""},
		{"select * from r where a = 1 and b in (select b from r)", ""},
		{"with c as (select * from r) select * from r, c where r.a = 1", ""},
		{"with r as (select * from s) select * from r where a = 1", ""},
		{"select * from r where a = 1 union select * from r", ""},
		{"select * from r where a = 1 union all select * from s where a = 2", ""},
		// Elsewhere than at the top.
		{"select * from (select * from r where a = 1) x", ""},
		{"with c as (select * from r where a = 1) select * from c", ""},
		{"select (select count(*) from r where r.a = 1)", ""},
		{"select * from s where exists (select from r where r.a = 1)", ""},
		{"select * from r having max(a) = 1", ""},
		{"select count(*) filter (where a = 1) from r", ""},
		// Conditions that let other rows through.
		{"select * from r where a = 1 or b = 2", ""},
		{"select * from r where not a = 1", ""},
		{"select * from r where not (a = 1 and b = 2)", ""},
		{"select * from r where (a = 1) is not true", ""},
		{"select * from r where coalesce(a = 1, true)", ""},
		{"select * from r where case when a = 1 then true else true end", ""},
		{"select * from r where a <> 1 and b >= 2 and c is not distinct from 3 and d in (4) and e = any ($1)", ""},
		{"select * from r left join s on r.a = 1", ""},
		{"select * from r full join s on r.a = 1 and s.a = 1", ""},
		{"select * from s right join r on r.a = 1", ""},
		{"select * from s left join r on r.a = 1", ""}, // true, but not said
		{"select * from r left outer join s on r.a = 1", ""},
		{"select * from r full outer join s on r.a = 1", ""},
		{"select * from r natural left join s", ""},
		{"select * from r left join s on true and r.a = 1 inner join u on u.b = 2", "u.b=2"},
		// Values that are not what they look like.
		{"select * from r where a = null", ""},
		{"select * from r where a = b", ""},
		{"select * from r where a = 1 + 1", ""},
		{"select * from r where a = $1::varchar(3)", ""},
		{"select * from r where a = 'x'::char", ""},
		{`select * from r where a = 'x'::"char"`, ""},
		{"select * from r where a = $1::int[]", ""},
		{"select * from r where a = $1::own", ""},
		{"select * from r where a = $1::own.int4", ""},
		{"select * from r where a = $1::text::int", ""},
		{"select * from r where a = $1::timestamp(0) and b = $1::timestamp(0) with time zone and c = $1::time(0) and d = $1::numeric(3)", ""},
		{"select * from r where a = $1::character varying(3) and b = $1::bit varying(3) and c = $1::bit(3) and d = $1::bit", ""},
		{"select * from r where a = $1::interval day and b = $1::interval(3) and c = $1::national character(3) and d = $1::name", ""},
		{"select * from r where a = interval '1' day and b = interval(3) '1' and c = timestamp(0) '2020-01-01' and d = own '1'", ""},
		{"select * from r where a = $1::int array and b = $1::int array[3] and c = $1::setof int", ""},
		{"select * from r where a = $1 collate \"C\"", ""},
		{"select * from r where a = b'1'", ""},
		{"select * from r where a = -'1'", ""},
		{"select * from r where a = (select 1)", ""},
		{"select * from r where a operator(own.=) 1", ""},
		{"select * from r where a === 1", ""},
		// Columns that are not what they look like.
		{"select * from r where r.* = $1", ""},
		{"select * from r where a[1] = 1 and (r).b = 2 and lower(c) = 'x' and d::text = 'y'", ""},
		{"select * from r x (b, a) where x.a = 1", ""},
		{"select * from r, s where a = 1", ""},
		{"select * from r, lateral (select 1 as a) x where a = 1", ""},
		{"select * from r, generate_series(1, 2) a where a = 1", ""},
		{"select * from r join s using (a) where a = 1", ""},
		{"select * from (r join s using (a)) as j where j.a = 1", ""},
		{"select * from (r join s on true) as r where r.a = 1", ""},
		{"select * from r join s using (a) as j where j.a = 1", ""},
		{"select * from r x where r.a = 1", ""}, // an error anyway
		{"select * from other.r where public.r.a = 1", ""},
		{"select * from (select * from s) r where r.a = 1", ""},
		// What is not cached, or not one statement.
		{"select * from r where a = 1 for update", ""},
		{"select * from r where a = 1 and b = now.ctid", ""},
		{"update r set b = 2 where a = 1", ""},
		{"explain select * from r where a = 1", ""},
		{"select 1; select * from r where a = 1", ""},
		{"select * from r where a = 1 /* pgcache: what */", ""},
	} {
		s := Analyze(c.sql)
		if s.WritesAnything {
			t.Errorf("%s: %s", c.sql, s.Refusal)
		}
		if got := strings.Trim(fmt.Sprint(s.Narrowings), "[]"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}

// The promise of a narrowing, held against PostgreSQL: whatever other rows there are, the result is the same.
func TestNarrowingsHold(t *testing.T) {
	conn := server(t)
	exec := func(sql string, args ...any) error {
		_, err := conn.Exec(t.Context(), sql, args...)
		return err
	}
	if err := exec("create table r (a int, b int, c text); create table s (like r); create table u (like r)"); err != nil {
		t.Fatal(err)
	}
	held, narrowed, refused := 0, 0, map[string]int{}
	full := 0 // results with rows in them
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			sql, args := drawSelect(t)
			s := Analyze(sql)
			if len(s.Narrowings) == 0 {
				continue
			}
			narrowed++
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"r", "s", "u"} {
				if err := exec(fmt.Sprintf("insert into %s values %s", table, drawRows(t))); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := hold(t, tx, s, args)
			if err != nil {
				refused[err.Error()]++
			} else {
				held += len(s.Narrowings)
				full += min(rows, 1)
			}
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Logf("%d narrowings of %d texts held, %d with rows; refused by PostgreSQL: %v", held, narrowed, full, refused)
	if held < narrowed/2 || full < narrowed/4 {
		t.Error("the test tries too little")
	}
}

// hold changes the rows that must not matter, and gives the number of rows in the answer.
func hold(t *rapid.T, tx pgx.Tx, s *Statement, args []any) (rows int, err error) {
	want, err := answer(t, tx, s.Text, args)
	if err != nil {
		return 0, err
	}
	for _, n := range s.Narrowings {
		isOther := fmt.Sprintf("(%s = %s) is not true", n.Column, literal(n, args))
		for _, change := range []string{
			fmt.Sprintf("delete from %s where %s", n.Relation, isOther),
			fmt.Sprintf("insert into %s select a, b, c from (values %s) x (a, b, c) where %s", n.Relation, drawRows(t), isOther),
			fmt.Sprintf("update %s set a = x.a, b = x.b, c = x.c from (values %s) x (a, b, c) where %s and %s",
				n.Relation, drawRows(t), of(n.Relation.Name, n.Column, isOther), of("x", n.Column, isOther)),
		} {
			if _, err := tx.Exec(t.Context(), change); err != nil {
				t.Fatal(change, err)
			}
			if got, err := answer(t, tx, s.Text, args); err != nil || got != want {
				t.Fatalf("%s %v\n%s\ngives %s\nwant  %s: %v", s.Text, args, change, got, want, err)
			}
		}
	}
	return strings.Count(want, "["), nil
}

// of says a condition of one relation.
func of(relation, column, condition string) string {
	return strings.Replace(condition, "("+column+" =", "("+relation+"."+column+" =", 1)
}

func literal(n Narrowing, args []any) string {
	switch {
	case n.Kind == ByParam && args[n.Param-1] == nil:
		return "null"
	case n.Kind == ByParam:
		return fmt.Sprintf("'%v'", args[n.Param-1])
	case n.Kind == ByString:
		return "'" + n.Literal + "'"
	}
	return n.Literal
}

// answer gives the rows as text, in an order of their own.
func answer(t *rapid.T, tx pgx.Tx, sql string, args []any) (string, error) {
	sp, err := tx.Begin(t.Context())
	if err != nil {
		return "", err
	}
	defer func() { _ = sp.Rollback(t.Context()) }()
	rows, err := sp.Query(t.Context(), sql, append([]any{pgx.QueryExecModeDescribeExec}, args...)...)
	if err != nil {
		return "", err
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(values), err
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n"), err
}

func drawRows(t *rapid.T) string {
	value := rapid.SampledFrom([]string{"null", "1", "2", "1", "2", "3"})
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("(%s::int, %s::int, %s::text)", value.Draw(t, "a"), value.Draw(t, "b"), value.Draw(t, "c"))
	}), 3, 6).Draw(t, "rows")
	return strings.Join(rows, ", ")
}

// selects draws SELECTs over three tables whose columns have the same names. Most of them are good SQL.
type selects struct {
	t     *rapid.T
	args  []any
	taken map[string]bool
}

func drawSelect(t *rapid.T) (sql string, args []any) {
	d := &selects{t: t, taken: map[string]bool{}}
	from, names := d.item(2, nil)
	if d.rarely() {
		more, others := d.item(1, names)
		from, names = from+", "+more, append(names, others...)
	}
	where := d.condition(1, names)
	if !d.rarely() {
		where = d.equality(names) + " and " + where
	}
	with, tail := "", ""
	if d.rarely() {
		with = d.word("with c as (select * from u) ", "with r as (select * from u) ")
	}
	column := d.column(names)
	what := d.word("*", "*", "count(*)", "distinct "+column, "(select count(*) from s where s.a = "+column+")",
		"row_number() over (order by "+column+")", column+", count(*)")
	if strings.HasSuffix(what, ", count(*)") {
		tail = " group by rollup (" + column + ")"
	}
	return with + "select " + what + " from " + from + " where " + where + tail, d.args
}

func (d *selects) word(words ...string) string { return rapid.SampledFrom(words).Draw(d.t, "word") }

func (d *selects) rarely() bool { return rapid.IntRange(0, 4).Draw(d.t, "rarely") == 4 }

// item draws something for FROM, and the names in it. Others may be used on its left.
func (d *selects) item(depth int, others []string) (sql string, names []string) {
	if depth == 0 || rapid.Bool().Draw(d.t, "single") {
		return d.single(others)
	}
	left, names := d.item(depth-1, others)
	right, more := d.item(depth-1, append(slices.Clone(others), names...))
	if strings.Contains(right, " join ") && right[0] != '(' {
		right = "(" + right + ")"
	}
	names = append(names, more...)
	kind := d.word("join", "join", "left join", "right join", "full join", "cross join", "natural join", "using")
	switch kind {
	case "cross join", "natural join":
		return left + " " + kind + " " + right, names
	case "using":
		return left + " " + d.word("join", "left join", "full join") + " " + right + " using (a)" + d.word("", "", " as j"), names
	}
	join := left + " " + kind + " " + right + " on " + d.condition(1, names)
	if d.rarely() {
		alias := d.word("x", "r", "s")
		return "(" + join + ") as " + alias, []string{alias}
	}
	return d.word(join, "("+join+")"), names
}

func (d *selects) single(others []string) (sql string, names []string) {
	table := d.word("r", "s", "u", "r", "s", "u", "subselect", "lateral", "function")
	alias := table
	switch table {
	case "subselect":
		table, alias = "(select * from "+d.word("r", "s", "u")+")", "y"
	case "lateral":
		table, alias = "lateral (select "+d.column(append(others, "u"))+" as a, 1 as b, '' as c from u)", "z"
	case "function":
		table, alias = "generate_series(1, 2)", "f"
	}
	if d.rarely() || d.taken[alias] {
		for _, other := range []string{"r", "s", "u", "v", "w"} {
			if !d.taken[other] {
				alias = other
			}
		}
	}
	d.taken[alias] = true
	columns := ""
	if strings.HasPrefix(table, "gen") {
		columns = " (a)"
	} else if d.rarely() {
		columns = " (b, a, c)"
	}
	if alias == table && columns == "" {
		return table, []string{alias}
	}
	return table + " as " + alias + columns, []string{alias}
}

func (d *selects) column(names []string) string {
	column := d.word("a", "b", "a")
	if d.rarely() {
		return column
	}
	return d.word(names...) + "." + column
}

func (d *selects) condition(depth int, names []string) string {
	if depth > 0 && rapid.Bool().Draw(d.t, "deeper") {
		left, right := d.condition(depth-1, names), d.condition(depth-1, names)
		return d.word(left+" and "+right, left+" and "+right, "("+left+" and "+right+")", "("+left+" or "+right+")", "not ("+left+") and "+right)
	}
	column := d.column(names)
	switch d.word("=", "=", "=", "=", "=", "null", "<", "column", "exists", "in") {
	case "=":
		return d.equality(names)
	case "null":
		return column + " is null"
	case "<":
		return column + " < 2"
	case "column":
		return column + " = " + d.column(names)
	case "exists":
		return "exists (select from s where s.a = " + column + ")"
	case "in":
		return column + " not in (select a from u)"
	}
	return "true"
}

func (d *selects) equality(names []string) string {
	column, value := d.column(names), d.word("1", "2", "1", "2", "'1'", "(1)", "null", "$", "$::int")
	if strings.HasPrefix(value, "$") {
		d.args = append(d.args, rapid.SampledFrom([]any{1, 2, 1, 2, nil}).Draw(d.t, "argument"))
		value = strings.Replace(value, "$", fmt.Sprintf("$%d", len(d.args)), 1)
	}
	return d.word(column+" = "+value, value+" = "+column)
}
