package statement

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Casts of columns are for the catalog to judge, where each column can only be one of a relation that is named.
func TestCasts(t *testing.T) {
	for _, c := range []struct {
		sql   string
		casts string // or empty when the statement is refused
	}{
		{"select a::date from t", "[a]"},
		{"select cast(t.b as timestamp with time zone), (a)::date, ((public.t.c))::tsrange from public.t", "[a b c]"},
		{"select count(*) from t group by a::date having max(b::timestamp) > $1 order by c::time", "[a b c]"},
		{"select date(a), daterange(b) from t", "[a b]"},
		{"select a::date[] from t", "[a]"},
		{"select a::pg_catalog.date from t", "[a]"},
		{"select x.a::date from t x join u y using (id) left join v on x.a::date = v.b::date", "[a b]"},
		{"select 1 from t where exists (select from u where u.a::date = t.b)", "[a]"},
		{"select a::date from t union select b::date from u", "[a b]"},
		{"select j.a::date from (t join u on true) as j", "[a]"},

		{"select a::timetz from t", ""},
		{"select timetz(a) from t", ""},
		{"select a::own from t", ""},
		{"select a::own.date from t", ""},
		{"select own.date(a) from t", ""},
		{"select date(variadic a) from t", ""},
		{"select (a || 'x')::date from t", ""},
		{"select lower(a)::date from t", ""},
		{"select a::text::date from t", ""},
		{"select (t).a::date from t", ""},
		{"select (a).b::date from t", ""},
		{"select a[1]::date from t", ""},
		{"select (t.*)::date from t", ""},
		{"select a::date from (select a from t) x", ""},
		{"select a::date from t, lateral (select 1) x", ""},
		{"select a::date from t, f() x", ""},
		{"select a::date from t, rows from (f(), g()) x", ""},
		{"select a::date from t x (a, b)", ""},
		{"select a::date from (t join u on true) as j (a, b)", ""},
		{"select j.a::date from t join u using (a) as j", ""},
		{"with c as (select 1) select a::date from t", ""},
		{"with t as (select 1) select a::date from t", ""},
		{"with recursive t as (select 1) select a::date from t", ""},
		{"values ('x') order by column1::date", ""},
		{"select 1 from t where a::date = any (values (1))", ""},
		{"select (select b::date) from t, u x (b)", ""},
		{"select a::date from t tablesample system (1)", ""},
		{"select a::date from xmltable('/x' passing y columns a text)", ""},
	} {
		s := Analyze(c.sql)
		if s.WritesAnything {
			t.Errorf("%s: %s", c.sql, s.Refusal)
		}
		if s.Cacheable() != (c.casts != "") || s.Cacheable() && fmt.Sprint(s.Names.Casts) != c.casts {
			t.Errorf("%s: %v (%s), want %s", c.sql, s.Names.Casts, s.Refusal, c.casts)
		}
	}
}

// A statement with a cast asks the catalog about it.
func TestCastsAreAskedFor(t *testing.T) {
	if Analyze("select a::date from t").Question() == Analyze("select b::date from t").Question() {
		t.Error("the same question")
	}
}

// Texts that PostgreSQL makes the current time of, though no function in them says so. Each is run to see that it does.
func TestTrapTextsThatAreTheTime(t *testing.T) {
	conn := server(t)
	if _, err := conn.Exec(t.Context(), `create table notes (body text, at timestamptz); insert into notes values ('now', '2020-01-01')`); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"select 'now'::timestamptz",
		"select timestamptz 'now'",
		"select timestamptz ' NOW '",
		"select cast(N'now' as timestamptz)",
		"select timestamp with time zone $$now$$",
		"select timestamptz 'n'\n'ow'",
		`select timestamptz e'\x6eow'`,
		`select timestamptz u&'\006eow'`,
		`select timestamptz u&'!006eow' uescape '!'`,
		"select coalesce(null::timestamptz, 'now')",
		"select greatest('now', at) from notes",
		"select at from (select 'now' as at union select at from notes) x order by 1 desc limit 1",
		"select lower('[now,)'::tstzrange)",
		"select ('{now}'::timestamptz[])[1]",
		`select ('{n\ow}'::timestamptz[])[1]`,
		`select lower('["n"ow,)'::tstzrange)`,
		"select ('(x,now)'::notes).at",
		"select ('n' || 'ow')::timestamptz",
		"select timestamptz('n' || 'ow')",
		"select lower(tstzrange('[n' || 'ow,)'))",
		"select ((array['n' || 'ow'])::timestamptz[])[1]",
		"select ('n' || 'ow').timestamptz",
		"select (lower('N' || 'OW')).timestamptz",
		"select x.timestamptz from lower('N' || 'OW') x",
		"select lower.timestamptz from lower('N' || 'OW')",
		"select x.timestamptz from rows from (lower('N' || 'OW')) x",
		"select x.timestamptz from unnest(array['n' || 'ow']) x",
		"select x.timestamptz from coalesce('n' || 'ow') x",
		"select coalesce.timestamptz from coalesce('n' || 'ow')",
		"select x::timestamptz from lower('N' || 'OW') x",
		"select x::timestamptz from (select 'n' || 'ow' as x) y",
		"select (x)::timestamptz from (values ('n' || 'ow')) y (x)",
		"select column1::timestamptz from (values ('n' || 'ow')) y",
		"select timestamptz(x) from (select 'n' || 'ow' as x) y",
		"with notes as (select 'n' || 'ow' as at) select at::timestamptz from notes",
		"select at::timestamptz from notes n (at, body)",
		"select n.at::timestamptz from notes as n (at, body)",
		"select j.at::timestamptz from (notes cross join (select 1) x) as j (at, body)",
		"select (select at::timestamptz) from notes n (at, body)",
		"select x.at from notes, lateral (select body::timestamptz as at) x",
		"select current_timestamp",
		"select localtimestamp(6) at time zone current_setting('TimeZone')",
		"select x from current_timestamp x",
	} {
		s := Analyze(sql)
		if s.Cacheable() {
			t.Errorf("%s: cacheable", sql)
		}
		var at time.Time
		if err := conn.QueryRow(t.Context(), sql).Scan(&at); err != nil || time.Since(at).Abs() > 10*time.Minute {
			t.Errorf("%s: PostgreSQL gives %v: %v", sql, at, err)
		}
	}
}

// What looks like one of them and is not.
func TestTextsThatAreNotTheTime(t *testing.T) {
	for _, sql := range []string{
		"select 'epoch'::timestamptz, 'infinity'::date, '2020-01-01'::date",
		"select x.a, x.x from lower('A') x (a), lower('B') y",
		"select g.i from generate_series(1, 2) as g (i)",
		"select g.g from generate_series(1, 2) g",
		"select t.date, t.timestamp from t, generate_series(1, 2) g",
		"select x.date from f() as x (date date, b int)",
	} {
		if s := Analyze(sql); !s.Cacheable() {
			t.Errorf("%s: %s", sql, s.Refusal)
		}
	}
}

// A dotted name after a function in FROM may be any function of its result, and the catalog is asked so.
func TestTrapFieldsOfResults(t *testing.T) {
	for _, c := range []struct{ sql, fields string }{
		{"select x.nextval from lower('sq') x", "[nextval]"},
		{"select lower.upper from lower('x')", "[upper]"},
		{"select x.a from f() x (a), f() x (b)", "[a]"},
		{"select outside.a from f() x", "[a]"},
		{"select t.a from t, f() x", "[]"},
		{"select t.a from t, coalesce('x')", "[a]"},
		{"select t.a from t", "[]"},
		{"select s.t.* from s.t, f() x", "[]"},
		{"select x.a from (select 1) x, f() y", "[]"},
	} {
		if got := fmt.Sprint(Analyze(c.sql).Names.Fields); got != c.fields {
			t.Errorf("%s: %s, want %s", c.sql, got, c.fields)
		}
	}
	conn := server(t)
	var next int
	if _, err := conn.Exec(t.Context(), "create sequence sq"); err != nil {
		t.Fatal(err)
	}
	for want := 1; want < 3; want++ {
		if err := conn.QueryRow(t.Context(), "select x.nextval from lower('sq') x").Scan(&next); err != nil || next != want {
			t.Errorf("%d: %v", next, err)
		}
	}
}

// Names are cut where PostgreSQL cuts them, also when the parser has cut them already.
func TestTrapLongNames(t *testing.T) {
	conn := server(t)
	for _, name := range []string{
		strings.Repeat("x", 62), strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("é", 40), "x" + strings.Repeat("é", 40),
		strings.Repeat("€", 30), "x" + strings.Repeat("€", 30), "xx" + strings.Repeat("€", 30), strings.Repeat("🙂", 20), "xyz" + strings.Repeat("🙂", 20),
	} {
		var want string
		if err := conn.QueryRow(t.Context(), "select $1::text::name::text", name).Scan(&want); err != nil {
			t.Fatal(err)
		}
		for _, written := range []string{name, `"` + name + `"`, `u&"` + name + `"`} {
			s := Analyze("select * from " + written)
			if len(s.Names.Relations) != 1 || s.Names.Relations[0].Name != want {
				t.Errorf("%s: %q, want %q (%s)", written, s.Names.Relations, want, s.Refusal)
			}
		}
	}
}

// The parser makes a carriage return in a quoted name a line feed, which is another name.
func TestTrapCarriageReturn(t *testing.T) {
	if s := Analyze("select * from \"a\rb\""); !s.WritesAnything || s.Cacheable() {
		t.Errorf("%+v", s)
	}
	if s := Analyze("select \"a\" \r\nfrom t -- \"\r\nwhere 'a\rb' = \"b\""); !s.Cacheable() {
		t.Error(s.Refusal)
	}
}
