package statement

import (
	"slices"
	"strings"
	"testing"

	"github.com/multigres/multigres/go/common/parser"
)

// Whatever the text: nothing panics, what can't be parsed may do anything, and what is said of it does not contradict itself.
func FuzzAnalyze(f *testing.F) {
	for _, seed := range []string{
		"select 1", "with w as (delete from x returning *) select * from w", "/* pgcache: rule=a ttl=1s */ select $1::int",
		"select e'\\'' /* pgcache: off */", "select $a$ /* pgcache: off */ $a$", "explain analyze select 'now'", "((((", "select u&'\\0061'",
		"select * from r left join (s join t on t.a = $1 and t.b = '2'::text) on r.c = 3 where (r.d = $2::int8) and s.a = -4.5",
		"select set_config('a.b', $1::text, false), set_config('c.d', 'e', true)", "set local a.b = 'c'; insert into t values (1)",
		"select a::date, date(t.b), current_setting('a.b', true), x.upper from t, lower('A') x (y)", "set \"A\".b to U&\"\\0061\" uescape '!'",
		"(select a from t order by f(a)) limit 1", "select a[1].b.c, (t).d from db.s.t", "select \"a\rb\"",
	} {
		f.Add(seed)
	}
	for _, c := range everyCommand {
		f.Add(c.sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s := Analyze(sql)
		if !strings.Contains(sql, hintMark) && s.Text != sql {
			t.Errorf("the text has become %q", s.Text)
		}
		if _, err := parser.ParseSQL(s.Text); err != nil && (s.Cacheable() || !s.mayDoAnything()) {
			t.Errorf("can't be parsed, and %s", deeds(s))
		}
		if s.Cacheable() && (s.Changes() || s.BeginsTransaction || s.Several) {
			t.Errorf("cacheable, and %s", deeds(s))
		}
		checkAssigns(t, s)
		checkNarrowings(t, s)
		n := &s.Names
		for _, list := range [][]string{n.Operators, n.Columns, n.Fields, n.Casts, s.Settings} {
			if !slices.Equal(list, unique(slices.Clone(list))) {
				t.Errorf("not sorted, or said twice: %q", list)
			}
		}
		again := Analyze("/* again */ " + s.Text)
		if !strings.Contains(sql, hintMark) && (again.Cacheable() != s.Cacheable() || s.Cacheable() && again.Question() != s.Question()) {
			t.Errorf("%q, and with a comment %q", s.Refusal, again.Refusal)
		}
	})
}

func checkAssigns(t *testing.T, s *Statement) {
	t.Helper()
	if len(s.Assigns) > 0 && (s.ChangesSession || s.Several) || (len(s.Assigns) > 0 || s.AssignsLocally) && s.Cacheable() {
		t.Errorf("gives %v, and %s", s.Assigns, deeds(s))
	}
	for _, a := range s.Assigns {
		if !strings.Contains(a.Name, ".") || a.Name != foldSetting(a.Name) || a.Param < 0 || a.Param > 0 && a.Value != "" {
			t.Errorf("gives %+v", a)
		}
	}
}

func checkNarrowings(t *testing.T, s *Statement) {
	t.Helper()
	for _, n := range s.Narrowings {
		if !s.Cacheable() || !slices.Contains(s.Names.Relations, n.Relation) || n.Column == "" {
			t.Errorf("narrows %+v, and %s", n, s.Refusal)
		}
		if (n.Kind == ByParam) != (n.Param > 0) || n.Param < 0 || n.Kind < ByParam || n.Kind > ByBool || n.Param > 0 && n.Literal != "" {
			t.Errorf("narrows %+v", n)
		}
	}
}
