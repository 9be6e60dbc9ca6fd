package dsn

import (
	"reflect"
	"regexp"
	"testing"
	"time"
)

// Each rule is given in its canonical spelling first.
func TestParseRule(t *testing.T) {
	base := Rule{Name: "r", TTL: time.Minute, Lock: DefaultLock}
	with := func(change func(*Rule)) Rule {
		r := base
		change(&r)
		return r
	}
	all := func(change func(*Rule)) Rule { return with(func(r *Rule) { r.All = true; change(r) }) }
	for _, tt := range []struct {
		want      Rule
		spellings []string
	}{
		{all(func(*Rule) {}), []string{"r: * ttl=1m", " r:\tttl=60s\n*  ", "r: * ttl=1m lock=5s empty=cache consistency=auto"}},
		{with(func(r *Rule) { r.Tables = []TablePattern{{"", "a"}, {"", "b"}, {"sales", ""}} }), []string{"r: table=a,b,sales.* ttl=1m", "r: ttl=1m table=A,B,Sales.*"}},
		{with(func(r *Rule) { r.AnyTable = []TablePattern{{"My Sales", "o,r"}} }), []string{`r: any_table="My Sales"."o,r" ttl=1m`}},
		{with(func(r *Rule) { r.SQL = regexp.MustCompile(`(?i)^select\s`) }), []string{`r: sql~(?i)^select\s ttl=1m`, `r: sql~"(?i)^select\s" ttl=1m`}},
		{with(func(r *Rule) { r.SQL = regexp.MustCompile(`from "a b" \\d=~x`) }), []string{`r: sql~"from \"a b\" \\d=~x" ttl=1m`}},
		{with(func(r *Rule) { r.SQL = regexp.MustCompile(`a"b\"c`) }), []string{`r: sql~a"b\"c ttl=1m`}},
		{with(func(r *Rule) { r.Hint = true }), []string{"r: hint ttl=1m"}},
		{with(func(r *Rule) { r.Hint, r.All, r.Tables = true, true, []TablePattern{{"", "a"}} }), []string{"r: table=a hint * ttl=1m", "r: * hint table=a ttl=1m"}},
		{with(func(r *Rule) { r.All, r.TTL = true, 36*time.Hour }), []string{"r: * ttl=36h", "r: * ttl=1d12h", "r: * ttl=1.5d"}},
		{with(func(r *Rule) { r.All, r.TTL = true, 48*time.Hour }), []string{"r: * ttl=2d", "r: * ttl=48h"}},
		{all(func(r *Rule) { r.Stale = 90 * time.Minute }), []string{"r: * ttl=1m stale=1h30m"}},
		{all(func(r *Rule) { r.StaleIfError = time.Hour }), []string{"r: * ttl=1m stale_if_error=1h"}},
		{all(func(r *Rule) { r.MaxRows = 1000 }), []string{"r: * ttl=1m max_rows=1000"}},
		{all(func(r *Rule) { r.MaxBytes = 1 << 20 }), []string{"r: * ttl=1m max_bytes=1MiB", "r: * ttl=1m max_bytes=1048576"}},
		{all(func(r *Rule) { r.Empty = EmptySkip }), []string{"r: * ttl=1m empty=skip", "r: * ttl=1m empty=Skip"}},
		{all(func(r *Rule) { r.Allow = []FunctionPattern{{"", "now"}, {"Mine", "f"}} }), []string{`r: * ttl=1m allow=now,"Mine".f`, `r: * ttl=1m allow=NOW,"Mine".F`}},
		{all(func(r *Rule) { r.Consistency = ConsistencyStrict }), []string{"r: * ttl=1m consistency=strict"}},
		{all(func(r *Rule) { r.Early = true }), []string{"r: * ttl=1m refresh=early"}},
		{all(func(r *Rule) { r.Lock = 0 }), []string{"r: * ttl=1m lock=0s", "r: * ttl=1m lock=0"}},
		{all(func(r *Rule) { r.Name = "_A-9z" }), []string{"_A-9z: * ttl=1m"}},
	} {
		for _, text := range tt.spellings {
			got, err := ParseRule(text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s:\n got %+v\nwant %+v", text, got, tt.want)
			}
			if got.String() != tt.spellings[0] {
				t.Errorf("%s: comes out as %s, want %s", text, got, tt.spellings[0])
			}
		}
	}
}

func TestParseRuleNamesTheParameter(t *testing.T) {
	_, err := ParseRule("r: table=a tll=1m")
	if want := `pgcache: pgcache_rule="r: table=a tll=1m": has an unknown word "tll="; did you mean "ttl="?`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestTablePatternMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, schema, table string
		want                   bool
	}{
		{"orders", "public", "orders", true},
		{"orders", "sales", "orders", true},
		{"orders", "sales", "Orders", false},
		{"orders", "orders", "items", false},
		{"ORDERS", "public", "orders", true},
		{`"Orders"`, "public", "Orders", true},
		{`"Orders"`, "public", "orders", false},
		{"sales.orders", "sales", "orders", true},
		{"sales.orders", "public", "orders", false},
		{"sales.orders", "sales", "items", false},
		{"sales.*", "sales", "items", true},
		{"sales.*", "Sales", "items", false},
		{"sales.*", "public", "sales", false},
		{`sales."*"`, "sales", "items", false},
		{`sales."*"`, "sales", "*", true},
		{`"a""b"."c.d"`, `a"b`, "c.d", true},
		{"größe$1", "public", "größe$1", true},
		{"GRÖSSE", "public", "grÖsse", true},
	} {
		patterns, err := parseTablePatterns(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if got := patterns[0].Match(tt.schema, tt.table); got != tt.want {
			t.Errorf("%s on %s.%s: got %v", tt.pattern, tt.schema, tt.table, got)
		}
		if again, err := parseTablePatterns(patterns[0].String()); err != nil || again[0] != patterns[0] {
			t.Errorf("%s comes back from %s as %v, %v", tt.pattern, patterns[0], again, err)
		}
	}
}

func TestFunctionPatternMatch(t *testing.T) {
	for _, tt := range []struct {
		pattern, schema, name string
		want                  bool
	}{
		{"now", "pg_catalog", "now", true},
		{"now", "app", "now", true},
		{"app.now", "pg_catalog", "now", false},
		{"App.Price", "app", "price", true},
		{`"Price"`, "app", "price", false},
	} {
		patterns, err := parseFunctionPatterns(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := patterns[0].Match(tt.schema, tt.name); got != tt.want {
			t.Errorf("%s on %s.%s: got %v", tt.pattern, tt.schema, tt.name, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		text  string
		bytes int64
		back  string
	}{
		{"1", 1, "1"},
		{"0B", 0, "0"},
		{"1000", 1000, "1kB"},
		{"1024", 1024, "1KiB"},
		{"64mib", 64 << 20, "64MiB"},
		{"10MB", 10_000_000, "10MB"},
		{"1TB", 1e12, "1TB"},
		{"1GiB", 1 << 30, "1GiB"},
		{"1TiB", 1 << 40, "1TiB"},
		{"8388607TiB", 8388607 << 40, "8388607TiB"},
	} {
		n, err := parseSize(tt.text)
		if err != nil || n != tt.bytes {
			t.Errorf("%s: got %d, %v", tt.text, n, err)
		}
		if back := formatSize(n); back != tt.back {
			t.Errorf("%s: comes out as %s, want %s", tt.text, back, tt.back)
		}
	}
	for _, text := range []string{"", "B", "8388608TiB", "9223372036854775808", "1 B", "-1", "+1", "1e3", "٣"} {
		if n, err := parseSize(text); err == nil {
			t.Errorf("%q: taken as %d", text, n)
		}
	}
}

func TestEnumsSpellThemselves(t *testing.T) {
	for _, text := range [][2]string{
		{ModeOn.String(), "on"},
		{StorePeer.String(), "peer"},
		{FeedNone.String(), "none"},
		{ConsistencyTracked.String(), "tracked"},
		{TxReadOnly.String(), "readonly"},
		{EmptySkip.String(), "skip"},
		{Mode(9).String(), "invalid"},
	} {
		if text[0] != text[1] {
			t.Errorf("got %s, want %s", text[0], text[1])
		}
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{
		"pgcache_reuls_file": "pgcache_rules_file",
		"pgcache_redis_url":  "pgcache_redis",
		"pgcache_peer":       "pgcache_peers",
		"pgcahce":            "pgcache",
		"pgcache_maxentry":   "pgcache_max_entry",
		"pgcache_ttl":        "",
		"pgcache_":           "pgcache",
		"pg":                 "",
		"":                   "",
	} {
		if got := nearestParameter(word); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
