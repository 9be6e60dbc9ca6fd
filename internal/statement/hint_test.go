package statement

import (
	"testing"
	"time"
)

func TestHints(t *testing.T) {
	for _, c := range []struct {
		sql, text string
		want      Hint
	}{
		{"select 1", "select 1", Hint{}},
		{"select 1 /* pgcache: off */", "select 1  ", Hint{Off: true}},
		{"/*pgcache:refresh*/select 1", " select 1", Hint{Refresh: true}},
		{"-- pgcache: rule=hot ttl=30s key=a:b\nselect 1", " \nselect 1", Hint{Rule: "hot", TTL: 30 * time.Second, Key: "a:b"}},
		{"/* pgcache: ttl=1d12h */ select 1", "  select 1", Hint{TTL: 36 * time.Hour}},
		{"select 1 -- pgcache: off", "select 1  ", Hint{Off: true}},
		{"select /* pgcache: rule=a */ 1 /* pgcache: ttl=1s */", "select   1  ", Hint{Rule: "a", TTL: time.Second}},
		{"select/* pgcache: off */1", "select 1", Hint{Off: true}},
		{"select 1 /* about pgcache: off */", "select 1 /* about pgcache: off */", Hint{}},
		{"select '/* pgcache: off */'", "select '/* pgcache: off */'", Hint{}},
		{"select 'it''s /* pgcache: off */'", "select 'it''s /* pgcache: off */'", Hint{}},
		{`select e'\' /* pgcache: off */'`, `select e'\' /* pgcache: off */'`, Hint{}},
		{"select e'a'\n'\\' /* pgcache: off */ '", "select e'a'\n'\\' /* pgcache: off */ '", Hint{}},
		{"select 'a' -- x\n 'b' /* pgcache: off */", "select 'a' -- x\n 'b'  ", Hint{Off: true}},
		{`select '\' /* pgcache: off */`, `select '\'  `, Hint{Off: true}},
		{`select "/* pgcache: off */"`, `select "/* pgcache: off */"`, Hint{}},
		{"select $$ /* pgcache: off */ $$", "select $$ /* pgcache: off */ $$", Hint{}},
		{"select $x$ $$ /* pgcache: off */ $x$", "select $x$ $$ /* pgcache: off */ $x$", Hint{}},
		{"select $1 /* pgcache: off */ $1", "select $1   $1", Hint{Off: true}},
		{"select a$$ /* pgcache: off */ from t", "select a$$   from t", Hint{Off: true}},
		{"select 1 /* outer /* pgcache: off */ */", "select 1 /* outer /* pgcache: off */ */", Hint{}},
	} {
		s := Analyze(c.sql)
		if s.Text != c.text || s.Hint != c.want {
			t.Errorf("%q:\n got %q %+v\nwant %q %+v", c.sql, s.Text, s.Hint, c.text, c.want)
		}
	}
}

// A hint that can't be read keeps the statement out of the cache: it may be a misspelled off.
func TestWrongHints(t *testing.T) {
	for _, sql := range []string{
		"select 1 /* pgcache: of */", "select 1 /* pgcache: ttl=soon */", "select 1 /* pgcache: ttl=-1s */", "select 1 /* pgcache: rule= */",
		"/* pgcache: bad */ update t set a = 1",
	} {
		if s := Analyze(sql); s.Cacheable() {
			t.Error(sql)
		}
	}
	if s := Analyze("/* pgcache: bad */ update t set a = 1"); len(s.Writes) != 1 {
		t.Errorf("%+v", s)
	}
}
