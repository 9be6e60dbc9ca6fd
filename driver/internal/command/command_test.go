package command

import (
	"database/sql/driver"
	"strings"
	"testing"

	"github.com/gopgcache/pgcache/internal/statement"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Command{
		"SHOW pgcache.stats":                                 {Verb: Show, What: "stats"},
		" show\tpgcache . \"Rules\" ; ":                      {Verb: Show, What: "rules"},
		"-- why\n/* and how */ show pgcache.feed;":           {Verb: Show, What: "feed"},
		"call pgcache.flush()":                               {Verb: Call, What: "flush"},
		"CALL pgcache.Invalidate( 'a''b' );":                 {Verb: Call, What: "invalidate", List: "'a''b'"},
		"call pgcache.install($1) -- now":                    {Verb: Call, What: "install", List: "$1"},
		"explain (pgcache) select 1; ":                       {Verb: Explain, List: "select 1; "},
		" ; /* pgcache: off */ explain (pgcache) select 1":   {Verb: Explain, List: "/* pgcache: off */ select 1"},
		"EXPLAIN(PGCACHE)\nselect\n1":                        {Verb: Explain, List: "select\n1"},
		"explain (pgcache) explain (pgcache) show pgcache.x": {Verb: Explain, List: "explain (pgcache) show pgcache.x"},
	} {
		if got := Parse(text); got == nil || *got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// PostgreSQL gets everything else, with its own errors.
func TestParseLeaves(t *testing.T) {
	for _, text := range []string{
		"", "show server_version", "show pgcache", "show pgcache.stats.x", "show pgcache.stats; select 1", "call pgcache.sing()",
		"call other.flush()", "call pgcache.flush", "explain select 1", "explain (pgcache, analyze) select 1", "explain (analyze) select 1",
		"select 'show pgcache.stats'", "/* show pgcache.stats */", "-- show pgcache.stats", "select pgcache.flush()",
	} {
		if got := Parse(text); got != nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestTable(t *testing.T) {
	text := []driver.NamedValue{{Ordinal: 1, Value: `"Shop".parts`}}
	number := []driver.NamedValue{{Ordinal: 1, Value: int64(1)}}
	for _, c := range []struct {
		list string
		args []driver.NamedValue
		want statement.Name // without a name: an error
	}{
		{list: `'parts'`, want: statement.Name{Name: "parts"}},
		{list: `' Shop . PARTS '`, want: statement.Name{Schema: "shop", Name: "parts"}},
		{list: `'"Shop"."a ""b""."'`, want: statement.Name{Schema: "Shop", Name: `a "b".`}},
		{list: `'it''s'`, want: statement.Name{Name: "it's"}},
		{list: `$1`, args: text, want: statement.Name{Schema: "Shop", Name: "parts"}},
		{list: `$1`, args: number},
		{list: `$1`},
		{list: `$2`, args: text},
		{list: ``},
		{list: `parts`},
		{list: `'a', 'b'`},
		{list: `'a.b.c'`},
		{list: `''`},
	} {
		call := Command{Verb: Call, What: "invalidate", List: c.list}
		got, err := call.Table(c.args)
		if got != c.want || (err == nil) != (c.want.Name != "") || err != nil && !strings.HasPrefix(err.Error(), "pgcache: ") {
			t.Errorf("%s: %+v, %v", c.list, got, err)
		}
	}
}

func TestNone(t *testing.T) {
	if err := (&Command{Verb: Call, What: "flush"}).None(); err != nil {
		t.Error(err)
	}
	if err := (&Command{Verb: Call, What: "flush", List: "1"}).None(); err == nil || err.Error() != "pgcache: flush takes no arguments" {
		t.Error(err)
	}
}
