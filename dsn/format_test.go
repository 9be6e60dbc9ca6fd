package dsn

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/internal/duration"
)

// Parse undoes Format, whatever the Config says and whatever form its base has.
func TestFormatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyConfig(t)
		text := want.Format()
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s:\n got %+v\nwant %+v", text, *got, *want)
		}
	})
}

// A base that was cut out of a string can be put into another.
func TestCutAndPaste(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		" ", "  ", "\t", "host=db", "user = app", "password='a b'", `password=a\ b`, `x=y\`, "z=", "options='-c a=b'", "oops", "=", "'", "pgcache=off", "pgcache_feed = none",
		"postgres://", "u:p@", "db:5432", "[::1]", ",", "/prod", "?", "&", "a=1", "b=%20", "@", "registeredConnConfig3", "pgcache_tx='readonly'",
	})
	rapid.Check(t, func(t *rapid.T) {
		dsn := strings.Join(rapid.SliceOfN(pieces, 0, 8).Draw(t, "pieces"), "")
		c, err := Parse(dsn)
		if err != nil {
			return
		}
		if !strings.Contains(dsn, "pgcache") && c.Base != dsn {
			t.Fatalf("%q became %q", dsn, c.Base)
		}
		again, err := Parse(c.Format())
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%q: %q comes back as %+v, %v; want %+v", dsn, c.Format(), again, err, *c)
		}
	})
}

// Format writes defaults out only where they differ, and takes a zero for one.
func TestFormatLeavesDefaultsOut(t *testing.T) {
	for _, c := range []*Config{defaults(), {}} {
		if got := c.Format(); got != "" {
			t.Errorf("got %q", got)
		}
	}
}

func TestFormatFollowsTheBase(t *testing.T) {
	for base, want := range map[string]string{
		"":                          "pgcache=off",
		"host=db":                   "host=db pgcache=off",
		"host=db ":                  "host=db  pgcache=off",
		"host=":                     "pgcache=off host=",
		`host=db\`:                  `pgcache=off host=db\`,
		"host='db":                  "pgcache=off host='db",
		"postgres://db":             "postgres://db?pgcache=off",
		"postgres://db/prod?a=1":    "postgres://db/prod?a=1&pgcache=off",
		"postgres://u:p?w@db/prod":  "postgres://u:p?w@db/prod?pgcache=off",
		"registeredConnConfig0":     "registeredConnConfig0 pgcache=off",
		"registeredConnConfig0 oh=": "pgcache=off registeredConnConfig0 oh=",
	} {
		c := Config{Base: base, Mode: ModeOff}
		if got := c.Format(); got != want {
			t.Errorf("%q: got %q, want %q", base, got, want)
		}
	}
}

// However a Config is printed or logged, its passwords stay out.
func TestConfigPrintsNoPassword(t *testing.T) {
	c, err := Parse("postgres://app:hunter2@db/prod?pgcache_redis=redis://:hunter2@cache")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("read", "config", c)
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%q", c), log.String()} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "cache") {
			t.Errorf("got %s", text)
		}
	}
}

// An enum that no constant has must not be read back as another one.
func TestFormatInvalidEnum(t *testing.T) {
	_, err := Parse((&Config{Store: 9}).Format())
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("got %v", err)
	}
}

func anyConfig(t *rapid.T) *Config {
	text := rapid.StringMatching(`[ -~äß]{0,12}`)
	c := defaults()
	c.Base = rapid.SampledFrom([]string{
		"", " ", "host=db", `password='a\'b' host=db `, "host=", `host=db\`, "oops", "host='open",
		"postgres://u:p@db", "postgresql://a,[::1]:2/prod", "postgres://db/prod?", "postgres://db?a=1&&b=2&",
		"postgres://u:a?b@db?x=y", "registeredConnConfig3",
	}).Draw(t, "base")
	c.Mode = rapid.SampledFrom([]Mode{ModeOn, ModeOff, ModeObserve}).Draw(t, "mode")
	for i := range rapid.IntRange(0, 3).Draw(t, "rules") {
		c.Rules = append(c.Rules, anyRule(t, fmt.Sprintf("r%d", i)))
	}
	c.Store = rapid.SampledFrom([]Store{StoreMemory, StoreRedis, StorePeer}).Draw(t, "store")
	c.Memory = rapid.Int64Range(leastMemory, mostMemory).Draw(t, "memory")
	c.Redis = rapid.SampledFrom([]string{"", "redis://h", "rediss://u:p%20@h:1,g/2?master=m&a=b", "unix:///a b"}).Draw(t, "redis")
	c.RedisKeyFile, c.PeerSecretFile, c.PeerTLSCA = text.Draw(t, "key"), text.Draw(t, "secret"), text.Draw(t, "ca")
	if rapid.Bool().Draw(t, "peers") {
		c.Peers, c.PeerSelf, c.PeerListen = []string{"https://a:1", "https://b:2"}, "https://b:2", ":2"
		c.PeerTLSCert, c.PeerTLSKey = "c'", `\k`
	}
	c.Feed = rapid.SampledFrom([]Feed{FeedAuto, FeedWAL, FeedTouch, FeedRelay, FeedNone}).Draw(t, "feed")
	c.Publication = rapid.SampledFrom([]string{"pgcache", "p q", "+"}).Draw(t, "publication")
	c.Consistency = rapid.SampledFrom([]Consistency{ConsistencyAuto, ConsistencyTTL}).Draw(t, "consistency")
	c.Tx = rapid.SampledFrom([]Tx{TxBypass, TxReadOnly}).Draw(t, "tx")
	c.Namespace = rapid.StringMatching(`[A-Za-z0-9_.:-]{0,8}`).Draw(t, "namespace")
	c.MaxEntry = rapid.Int64Range(1, mostEntry).Draw(t, "max entry")
	c.Timeout = time.Duration(rapid.Int64Range(1, int64(mostTimeout)).Draw(t, "timeout"))
	trimForURL(c)
	return c
}

// trimForURL drops what no URL can carry: blanks at the ends of a path.
func trimForURL(c *Config) {
	for _, path := range []*string{&c.RedisKeyFile, &c.PeerSecretFile, &c.PeerTLSCA} {
		*path = strings.TrimSpace(*path)
	}
}

func anyRule(t *rapid.T, name string) Rule {
	identifier := rapid.StringMatching(`[a-zA-Z_ ".,*ß$0-9#'&+%-]{1,8}`)
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		d := rapid.Int64Range(0, int64(duration.Longest)).Draw(t, "duration")
		return time.Duration(d).Round(rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, time.Hour, duration.Day}).Draw(t, "unit"))
	})
	r := Rule{
		Name: name, Hint: rapid.Bool().Draw(t, "hint"), All: rapid.Bool().Draw(t, "all"),
		TTL: 1 + duration.Draw(t, "ttl")/2, Stale: duration.Draw(t, "stale"), StaleIfError: duration.Draw(t, "if error"),
		MaxRows: rapid.Int64Min(0).Draw(t, "rows"), MaxBytes: rapid.Int64Min(0).Draw(t, "bytes"),
		Empty: Empty(rapid.IntRange(0, 1).Draw(t, "empty")), Early: rapid.Bool().Draw(t, "early"), Lock: duration.Draw(t, "lock"),
		Consistency: Consistency(rapid.IntRange(0, 3).Draw(t, "level")),
	}
	table := rapid.Custom(func(t *rapid.T) TablePattern {
		p := TablePattern{Schema: identifier.Draw(t, "schema"), Table: identifier.Draw(t, "table")}
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			p.Schema = ""
		case 1:
			p.Table = ""
		}
		return p
	})
	itself := func(p TablePattern) TablePattern { return p }
	if s := rapid.SliceOfNDistinct(table, 0, 3, itself).Draw(t, "tables"); len(s) > 0 {
		r.Tables = s
	}
	if s := rapid.SliceOfNDistinct(table, 0, 3, itself).Draw(t, "any"); len(s) > 0 {
		r.AnyTable = s
	}
	function := rapid.Custom(func(t *rapid.T) FunctionPattern { return FunctionPattern{Name: identifier.Draw(t, "function")} })
	if s := rapid.SliceOfNDistinct(function, 0, 2, func(p FunctionPattern) string { return p.Name }).Draw(t, "allow"); len(s) > 0 {
		r.Allow = s
	}
	if len(r.matchers()) == 0 || rapid.Bool().Draw(t, "sql") {
		r.SQL = regexp.MustCompile(rapid.SampledFrom([]string{
			`a`, `a b`, `"`, `" "`, `\\ "a"`, `\\"`, `\\\d "`, `#`, `a+&%b@`, `'it''s'`, "\t", `=~`, `[ "]`, `ß `,
		}).Draw(t, "regexp"))
	}
	return r
}
