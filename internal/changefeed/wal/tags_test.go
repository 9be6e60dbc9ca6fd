package wal

import (
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// What each kind of change of a row touches, with each replica identity. The columns that matter are all three.
func TestTags(t *testing.T) {
	dsn, c := database(t)
	f := follow(t, dsn)
	const long = "repeat('x', 2500)" // stored out of line
	for _, test := range []struct {
		name, identity string
		before         string // rows that are there
		sql            string
		want           string
	}{
		{"insert", "default", "", "insert into t values (1, 2, 'x')", "t t.a=2 t.b=x t.id=1"},
		{"insert null", "default", "", "insert into t values (1, null, 'x')", "t t.b=x t.id=1"},
		{"insert two", "default", "", "insert into t values (1, 2, 'x'), (2, 2, 'y')", "t t.a=2 t.b=x t.b=y t.id=1 t.id=2"},

		{"update default", "default", "(1, 2, 'x')", "update t set a = 3", "t t.a=* t.b=* t.id=1"},
		{"update key default", "default", "(1, 2, 'x')", "update t set id = 4", "t t.a=* t.b=* t.id=1 t.id=4"},
		{"delete default", "default", "(1, 2, 'x')", "delete from t", "t t.a=* t.b=* t.id=1"},

		{"update full", "full", "(1, 2, 'x')", "update t set a = 3", "t t.a=2 t.a=3 t.b=x t.id=1"},
		{"update full from null", "full", "(1, null, 'x')", "update t set a = 3", "t t.a=3 t.b=x t.id=1"},
		{"update full to null", "full", "(1, 2, 'x')", "update t set a = null", "t t.a=2 t.b=x t.id=1"},
		{"delete full", "full", "(1, null, 'x')", "delete from t", "t t.b=x t.id=1"},

		{"update by index", "using index t_b", "(1, 2, 'x')", "update t set a = 3", "t t.a=* t.b=x t.id=*"},
		{"update index", "using index t_b", "(1, 2, 'x')", "update t set b = 'y'", "t t.a=* t.b=x t.b=y t.id=*"},
		{"delete by index", "using index t_b", "(1, 2, 'x')", "delete from t", "t t.a=* t.b=x t.id=*"},

		{"long value kept, default", "default", "(1, 2, " + long + ")", "update t set a = 3", "t t.a=* t.b=* t.id=1"},
		{"long value kept, full", "full", "(1, 2, " + long + ")", "update t set a = 3", "t t.a=2 t.a=3 t.b=long t.id=1"},
		{"long value changed, full", "full", "(1, 2, " + long + ")", "update t set b = 'x'", "t t.a=2 t.b=long t.b=x t.id=1"},
		{"long value kept by index", "using index t_b", "(1, 2, " + long + ")", "update t set a = 3", "t t.a=* t.b=long t.id=*"},

		{"nothing done", "default", "(1, 2, 'x')", "update t set a = 3 where id = 9", ""},
		{"truncate", "default", "(1, 2, 'x')", "truncate t", "t t.a=* t.b=* t.id=*"},
		{"insert none", "nothing", "", "insert into t values (1, 2, 'x')", "t t.a=2 t.b=x t.id=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			exec(t, c, "create table t (id int primary key, a int, b text not null)",
				"alter table t alter b set storage external", "create unique index t_b on t (b)",
				"alter table t replica identity "+test.identity)
			defer exec(t, c, "drop table t")
			if test.before != "" {
				exec(t, c, "insert into t values "+test.before)
			}
			exec(t, c, "alter publication pgcache add table t")
			known, table, columns := names{}, oid(t, c, "t"), []string{"id", "a", "b"}
			known.add("t", table, columns, []string{"1", "2", "3", "4", "x", "y"})
			known[freshness.RowTag(table, "b", strings.Repeat("x", 2500))] = "t.b=long"
			for _, column := range columns {
				f.interest.Add(table, column)
			}
			f.take()
			exec(t, c, test.sql)
			f.catchUp(t, c)
			var got []string
			for _, commit := range f.take() {
				got = append(got, known.of(commit.Tags))
			}
			if got := strings.Join(got, "; "); got != test.want {
				t.Errorf("%s\ntouches %s\n   want %s", test.sql, got, test.want)
			}
		})
	}
}
