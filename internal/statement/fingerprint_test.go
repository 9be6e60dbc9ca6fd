package statement

import (
	"regexp"
	"strings"
	"testing"
)

func TestFingerprint(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"select 1", "select ?"},
		{"select a from t where b = 'x''y' and c=1.5e-3", "select a from t where b = ? and c=?"},
		{"select a from t where b in (1, 2,3 , 4)", "select a from t where b in (?, ...)"},
		{"select a from t where b in ('a')", "select a from t where b in (?)"},
		{"  select a -- why\n from t /* who */ where t1.b2 = $12 ;  ", "select a from t where t1.b2 = $12 ;"},
		{"select E'it\\'s', $$x$$ , 0x1F from t2", "select E?, ... from t2"},
		{`select "a 1", 'b', c from t limit 10 offset 20`, `select "a 1", ?, c from t limit ? offset ?`},
		{"select 1, a, 2, 3", "select ?, a, ?, ..."},
		{"select a from t where b between -1 and 7", "select a from t where b between -? and ?"},
		{"select 'é', größe from t where b = '2020-01-01'::date", "select ?, größe from t where b = ?::date"},
		{"", ""},
	} {
		got, pattern := Analyze(c.sql).Fingerprint()
		if got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.sql, got, c.want)
		}
		if re, err := regexp.Compile(pattern); err != nil || !re.MatchString(c.sql) {
			t.Errorf("%s: pattern %s does not match: %v", c.sql, pattern, err)
		}
	}
}

// A pattern takes the texts that differ in literals, blanks and comments, and no others.
func TestFingerprintPattern(t *testing.T) {
	_, pattern := Analyze("select a from t where b = 'x' and c in (1, 2) -- hm\n limit 3").Fingerprint()
	re := regexp.MustCompile(pattern)
	for sql, want := range map[string]bool{
		"select a from t where b = '' and c in (7) /* ? */ limit 10":            true,
		"\nselect a\n  from t where b = 'it''s' and c in (1,2,3)\tlimit 10\n":   true,
		"select a from t where b = 'x' and c in (1, 2) limit 3 offset 4":        false,
		"select a, d from t where b = 'x' and c in (1, 2) limit 3":              false,
		"select a from t where b = 'x' and c in (select d from u) limit 3":      false,
		"explain select a from t where b = 'x' and c in (1, 2) limit 3":         false,
		"select a from t where b = 'x' or true or b = 'y' and c in (1) limit 3": false,
	} {
		if re.MatchString(sql) != want {
			t.Errorf("%s: %t", sql, !want)
		}
	}
}

func TestFingerprintOfLongText(t *testing.T) {
	text, pattern := Analyze("select " + strings.Repeat("a + ", 2000) + "1").Fingerprint()
	if !strings.HasSuffix(text, "a + ?") || pattern != "" {
		t.Errorf("%d bytes, pattern of %d", len(text), len(pattern))
	}
}

func FuzzFingerprint(f *testing.F) {
	for _, sql := range []string{"select 1, 'a', $1", "select 'a\\'", "/* x", "select $a$ 1 $a$ , 2 ,", "1..2,\"a"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s := &Statement{Text: sql}
		text, pattern := s.Fingerprint()
		if len(text) > 4*len(sql)+8 {
			t.Errorf("%q became %q", sql, text)
		}
		if _, err := regexp.Compile(pattern); err != nil {
			t.Errorf("%q: %v", sql, err)
		}
	})
}
