package dsn

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// everyParameter has a value that is not the default for each parameter, and
// what the Config then says.
var everyParameter = []struct {
	name, value string
	set         func(c *Config)
}{
	{"pgcache", "off", func(c *Config) { c.Mode = ModeOff }},
	{"pgcache", "Observe", func(c *Config) { c.Mode = ModeObserve }},
	{"pgcache_rule", "hot: * ttl=10m", func(c *Config) {
		c.Rules = []Rule{{Name: "hot", All: true, TTL: 10 * time.Minute, Lock: DefaultLock}}
	}},
	{"pgcache_store", "REDIS", func(c *Config) { c.Store = StoreRedis }},
	{"pgcache_store", "peer", func(c *Config) { c.Store = StorePeer }},
	{"pgcache_memory", "10MB", func(c *Config) { c.Memory = 10_000_000 }},
	{"pgcache_redis", "rediss://app:p%40ss@a:6379,b:6380/2?master=m", func(c *Config) {
		c.Redis = "rediss://app:p%40ss@a:6379,b:6380/2?master=m"
	}},
	{"pgcache_redis", "unix:///run/redis.sock", func(c *Config) { c.Redis = "unix:///run/redis.sock" }},
	{"pgcache_redis_key_file", "/etc/pg cache/key", func(c *Config) { c.RedisKeyFile = "/etc/pg cache/key" }},
	{"pgcache_peers", "https://a:1, https://[::1]:2", func(c *Config) { c.Peers = []string{"https://a:1", "https://[::1]:2"} }},
	{"pgcache_peers", "dns://peers:80", func(c *Config) { c.Peers = []string{"dns://peers:80"} }},
	{"pgcache_peer_self", "https://a:1", func(c *Config) { c.PeerSelf = "https://a:1" }},
	{"pgcache_peer_listen", ":8443", func(c *Config) { c.PeerListen = ":8443" }},
	{"pgcache_peer_secret_file", "secret's file", func(c *Config) { c.PeerSecretFile = "secret's file" }},
	{"pgcache_peer_tls_ca", `C:\ca.pem`, func(c *Config) { c.PeerTLSCA = `C:\ca.pem` }},
	{"pgcache_feed", "wal", func(c *Config) { c.Feed = FeedWAL }},
	{"pgcache_feed", "touch", func(c *Config) { c.Feed = FeedTouch }},
	{"pgcache_feed", "relay", func(c *Config) { c.Feed = FeedRelay }},
	{"pgcache_feed", "none", func(c *Config) { c.Feed = FeedNone }},
	{"pgcache_publication", "Größe", func(c *Config) { c.Publication = "Größe" }},
	{"pgcache_consistency", "ttl", func(c *Config) { c.Consistency = ConsistencyTTL }},
	{"pgcache_consistency", "tracked", func(c *Config) { c.Consistency = ConsistencyTracked }},
	{"pgcache_consistency", "strict", func(c *Config) { c.Consistency = ConsistencyStrict }},
	{"pgcache_tx", "readonly", func(c *Config) { c.Tx = TxReadOnly }},
	{"pgcache_namespace", "shop:eu", func(c *Config) { c.Namespace = "shop:eu" }},
	{"pgcache_max_entry", "512KiB", func(c *Config) { c.MaxEntry = 512 << 10 }},
	{"pgcache_timeout", "1.5s", func(c *Config) { c.Timeout = 1500 * time.Millisecond }},
}

func TestEveryParameterInEveryForm(t *testing.T) {
	for _, tt := range everyParameter {
		keyword := tt.name + " = " + "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(tt.value) + "'"
		query := tt.name + "=" + strings.NewReplacer("%", "%25", "&", "%26", "@", "%40").Replace(tt.value)
		forms := []struct{ dsn, base string }{
			{"host=db " + keyword + " user=app", "host=db user=app"},
			{keyword, ""},
			{"postgres://app:pw@db/prod?a=1&" + query + "&b=2", "postgres://app:pw@db/prod?a=1&b=2"},
			{"postgresql://db?" + query, "postgresql://db"},
			{"registeredConnConfig12 " + keyword, "registeredConnConfig12"},
			{"registeredConnConfig12?" + query, "registeredConnConfig12"},
		}
		for _, form := range forms {
			want := defaults()
			want.Base = form.base
			tt.set(want)
			got, err := Parse(form.dsn)
			if err != nil {
				t.Errorf("%s: %v", form.dsn, err)
				continue
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\n got %+v\nwant %+v", form.dsn, *got, *want)
			}
		}
	}
}

// The table above must grow with the parameters. Those that need one another or
// a file have tests of their own.
func TestEveryParameterIsTested(t *testing.T) {
	tested := map[string]bool{"pgcache_rules_file": true, "pgcache_peer_tls_cert": true, "pgcache_peer_tls_key": true}
	for _, tt := range everyParameter {
		tested[tt.name] = true
	}
	for _, name := range parameterNames {
		if !tested[name] {
			t.Errorf("%s has no test", name)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := Parse("")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{Memory: 64 << 20, MaxEntry: 8 << 20, Timeout: 50 * time.Millisecond, Publication: "pgcache"}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", *c, *want)
	}
	written, err := Parse("pgcache=on pgcache_store=memory pgcache_memory=64MiB pgcache_feed=auto pgcache_publication=pgcache " +
		"pgcache_consistency=auto pgcache_tx=bypass pgcache_namespace='' pgcache_max_entry=8MiB pgcache_timeout=50ms")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(written, want) {
		t.Errorf("written out: got %+v, want %+v", *written, *want)
	}
}

func TestTLSFilesTogether(t *testing.T) {
	c, err := Parse("pgcache_peer_tls_cert=c.pem pgcache_peer_tls_key=k.pem pgcache_peers=http://a:1 pgcache_peer_secret_file=s pgcache_peer_self=http://a:1")
	if err != nil {
		t.Fatal(err)
	}
	if c.PeerTLSCert != "c.pem" || c.PeerTLSKey != "k.pem" {
		t.Errorf("got %q and %q", c.PeerTLSCert, c.PeerTLSKey)
	}
}

// What pgx gets is cut out byte by byte.
func TestBase(t *testing.T) {
	for _, tt := range []struct{ dsn, base string }{
		{"", ""},
		{"  ", "  "},
		{"host=db", "host=db"},
		{"\thost = db  port=1 ", "\thost = db  port=1 "},
		{"pgcache=off", ""},
		{" pgcache=off ", " "},
		{"pgcache=off host=db", "host=db"},
		{"pgcache=off  pgcache_feed=none  host=db", "  host=db"},
		{"host=db pgcache=off", "host=db"},
		{"host=db  pgcache=off  port=1", "host=db   port=1"},
		{"host='d b'pgcache=off port=1", "host='d b'port=1"},
		{`host=d\ b pgcache = off port=1`, `host=d\ b port=1`},
		{`password=a\ pgcache=off`, `password=a\ pgcache=off`},
		{`password='pgcache=off'`, `password='pgcache=off'`},
		{`password= pgcache=off`, `password= pgcache=off`},
		{"host='open pgcache=off", "host='open pgcache=off"},
		{"host=db oops pgcache=off", "host=db oops pgcache=off"},
		{"pgcache=off =x", "=x"},
		{`host=db pgcache_namespace=a\`, "host=db"},
		{"pgpool_mode=off pg_cache=1", "pgpool_mode=off pg_cache=1"},

		{"postgres://", "postgres://"},
		{"postgres://db/prod?", "postgres://db/prod?"},
		{"postgres://db/prod?pgcache=off", "postgres://db/prod"},
		{"postgres://db/prod?pgcache=off&", "postgres://db/prod?"},
		{"postgres://db/prod?a=1&pgcache=off", "postgres://db/prod?a=1"},
		{"postgres://db/prod?pgcache=off&a=1&&pgcache_feed=none", "postgres://db/prod?a=1&"},
		{"postgres://u:p?w@a:1,[::1]:2,b/prod?pgcache=off&a=%7a", "postgres://u:p?w@a:1,[::1]:2,b/prod?a=%7a"},
		{"postgres://db?%70gcache=off&x=pgcache", "postgres://db?x=pgcache"},
		{"postgres://[fe80::1?pgcache=off", "postgres://[fe80::1?pgcache=off"},
		{"postgres://[?]/x?pgcache=off", "postgres://[?]/x"},
		{"postgres://db?pgcache%zz=off", "postgres://db?pgcache%zz=off"},
		{" postgres://db?pgcache=off", " postgres://db?pgcache=off"},

		{"registeredConnConfig0", "registeredConnConfig0"},
		{"registeredConnConfig0 ", "registeredConnConfig0 "},
		{"registeredConnConfig0?", "registeredConnConfig0?"},
		{"registeredConnConfig0?sslmode=disable", "registeredConnConfig0?sslmode=disable"},
		{"registeredConnConfig0=1 pgcache=off", "registeredConnConfig0=1"},
		{"registeredConnConfig0\tpgcache=off\n", "registeredConnConfig0"},
		{"registeredConnConfig0?pgcache=off&", "registeredConnConfig0"},
		{"registeredConnConfig", "registeredConnConfig"},
	} {
		c, err := Parse(tt.dsn)
		if err != nil {
			t.Errorf("%q: %v", tt.dsn, err)
			continue
		}
		if c.Base != tt.base {
			t.Errorf("%q: got base %q, want %q", tt.dsn, c.Base, tt.base)
		}
	}
}

func TestRegistered(t *testing.T) {
	for base, want := range map[string]bool{
		"registeredConnConfig7": true, "registeredConnConfig7 ": false, "registeredConnConfig": false,
		"": false, "host=registeredConnConfig7": false, "postgres://registeredConnConfig7": false,
	} {
		if got := (&Config{Base: base}).Registered(); got != want {
			t.Errorf("%q: got %v", base, got)
		}
	}
}

// A rule is written differently in each form, and says the same.
func TestRuleInEveryForm(t *testing.T) {
	want := Rule{Name: "hot", SQL: regexp.MustCompile(`it's "a"+ &b`), TTL: time.Minute, Lock: DefaultLock}
	for _, s := range []string{
		`pgcache_rule='hot: sql~"it\'s \\"a\\"+ &b" ttl=1m'`,
		`postgres://db?pgcache_rule=hot: sql~"it's \"a\"+ %26b" ttl=1m`,
		`postgres://db?pgcache_rule=hot:%20sql~%22it's%20%5C%22a%5C%22%2B%20%26b%22%20ttl%3D1m`,
		`postgres://db?pgcache_rule=hot%3A+sql~%22it%27s+%5C%22a%5C%22%2B+%26b%22+ttl%3D1m`,
	} {
		c, err := Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if !reflect.DeepEqual(c.Rules, []Rule{want}) {
			t.Errorf("%s: got %s", s, c.Rules[0])
		}
	}
}

func TestRulesKeepTheirOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.conf")
	text := "# ours\n\n  c: table=c ttl=1m # the third\r\n\td: sql~#x ttl=1m\n#e: * ttl=1m"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("pgcache_rule='a: table=a ttl=1m' pgcache_rules_file=" + quoteKeyword(path) + " pgcache_rule='b: table=b ttl=1m'")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range c.Rules {
		got = append(got, r.Name+" "+strings.TrimPrefix(r.Source, path))
	}
	want := []string{"a ", "b ", "c :3", "d :4"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	again, err := Parse(c.Format())
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%s comes back as %s, %v", c.Format(), again, err)
	}
}

func TestRulesFileErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"a: * ttl=1m\nb: tabel=b ttl=1m", `line 2: has an unknown word "tabel="; did you mean "table="?`},
		{"db:5432:prod:app:hunter2", "line 1: must start with the rule's name, a colon and a blank, as in hot: table=accounts ttl=10m"},
		{"db: hunter2 ttl=1m", "line 1: word 1 after the name is neither a matcher (table=, any_table=, sql~, hint, *) nor an option"},
		{"\n\na: * ttl=1m\na: * ttl=2m", "line 4: has a second rule named a"},
		{"a: *\xff ttl=1m", "line 1: is not valid UTF-8"},
		{"a: # * ttl=1m", "line 1: rule a matches nothing: add a matcher and a ttl, as in a: table=accounts ttl=10m"},
		{strings.Repeat("#", 1<<20+1), "is larger than 1MiB"},
	} {
		path := filepath.Join(t.TempDir(), "rules")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Parse("pgcache_rules_file=" + quoteKeyword(path))
		if want := "pgcache: pgcache_rules_file=" + quoted(path) + ": " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%.40q:\n got %v\nwant %s", tt.text, err, want)
		}
	}
}

func TestRulesFileMissing(t *testing.T) {
	_, err := Parse("pgcache_rules_file=/nowhere/rules")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Parse("pgcache=off pgcache_rules_file=/nowhere/rules"); err != nil {
		t.Errorf("with caching off: %v", err)
	}
}

func TestEnabled(t *testing.T) {
	for dsn, want := range map[string]bool{
		"":                                       false,
		"pgcache=on":                             false,
		"pgcache_rule='a: * ttl=1m'":             true,
		"pgcache=observe":                        true,
		"pgcache=off":                            false,
		"pgcache_store=redis":                    false,
		"host=db pgcache_timeout=10ms":           false,
		"pgcache=off pgcache_rule='a: * ttl=1m'": false,
		"pgcache=observe pgcache_rule='a: * ttl=1m'": true,
	} {
		c, err := Parse(dsn)
		if err != nil {
			t.Fatal(err)
		}
		if c.Enabled() != want {
			t.Errorf("%s: got %v", dsn, c.Enabled())
		}
	}
}

func TestRulesRaiseConsistency(t *testing.T) {
	for _, dsn := range []string{
		"pgcache_rule='a: * ttl=1m consistency=ttl'",
		"pgcache_consistency=ttl pgcache_rule='a: * ttl=1m consistency=strict'",
		"pgcache_consistency=tracked pgcache_rule='a: * ttl=1m consistency=tracked'",
		"pgcache_consistency=strict pgcache_rule='a: * ttl=1m consistency=auto'",
		"pgcache_consistency=strict pgcache_rule='a: * ttl=1m'",
	} {
		if _, err := Parse(dsn); err != nil {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}
