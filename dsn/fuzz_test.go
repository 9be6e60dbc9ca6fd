package dsn

import (
	"errors"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// seeds are strings of every form, good and bad.
func seeds(f *testing.F) []string {
	f.Helper()
	all := []string{
		"host=db port=5432 user=app password='a b' dbname=prod pgcache_rule='hot: table=a,sales.* ttl=10m' sslmode=disable",
		"postgres://app:pw@a:1,[::1]:2/prod?sslmode=disable&pgcache_rule=hot:%20sql~%22a%20b%22%20ttl%3D10m&pgcache_memory=1MiB&a=b",
		"postgresql:///prod?host=/run/postgresql&pgcache=off&ssl=true",
		"registeredConnConfig0 pgcache=off",
		"registeredConnConfig0?pgcache_feed=none",
		"postgres://db?pgcache=off&a=b@c",
		`host=d\ b pgcache=off user='x'pgcache_feed=none connect_timeout=3`,
		"pgcache_timeout=10ms target_session_attrs=read-write default_query_exec_mode=exec statement_cache_capacity=7",
	}
	for _, tt := range malformed {
		all = append(all, tt.dsn)
	}
	return all
}

// FuzzParse: no panic, only our own errors, and what was read can be written
// and read again.
func FuzzParse(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Parse(s)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(err.Error(), "pgcache: ") {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if !strings.Contains(strings.ToLower(unescapeLenient(s)), "pgcache") && c.Base != s {
			t.Fatalf("%q became %q", s, c.Base)
		}
		text := c.Format()
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("%q written as %q: %v", s, text, err)
		}
		if !reflect.DeepEqual(again, c) {
			t.Fatalf("%q written as %q:\n got %+v\nwant %+v", s, text, *again, *c)
		}
		_ = c.Unsupported()
		_ = c.String()
	})
}

// readsFiles are the parameters that have pgx open files, which a fuzzer should
// not choose.
var readsFiles = regexp.MustCompile(`(?i)sslkey|sslcert|sslrootcert|passfile|service|rules_file`)

// FuzzDifferential: pgx reads from the base what it reads from the whole string,
// less our parameters.
func FuzzDifferential(f *testing.F) {
	isolate(f)
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if readsFiles.MatchString(unescapeLenient(s)) {
			return
		}
		whole, err := pgx.ParseConfig(s)
		if err != nil {
			return
		}
		c, err := Parse(s)
		if err != nil {
			if !strings.Contains(strings.ToLower(unescapeLenient(s)), "pgcache") {
				t.Fatalf("%q: pgx takes it, Parse does not: %v", s, err)
			}
			return
		}
		if c.Registered() {
			return // pgx takes name?parameter for the name of one odd parameter; we do not
		}
		rest, err := pgx.ParseConfig(c.Base)
		if err != nil {
			t.Fatalf("%q: pgx does not take the base %q: %v", s, c.Base, err)
		}
		maps.DeleteFunc(whole.RuntimeParams, func(name, _ string) bool { return isOurs(name) })
		if got, want := connectionOf(rest), connectionOf(whole); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q, base %q:\n got %+v\nwant %+v", s, c.Base, got, want)
		}
	})
}

// connection is what of a pgx configuration can be compared.
type connection struct {
	Config  pgx.ConnConfig
	Address []address
	Checks  bool
}

type address struct {
	Host, ServerName string
	Port             uint16
	TLS, Insecure    bool
}

func connectionOf(c *pgx.ConnConfig) connection {
	got := connection{Checks: c.ValidateConnect != nil}
	got.Config.StatementCacheCapacity = c.StatementCacheCapacity
	got.Config.DescriptionCacheCapacity = c.DescriptionCacheCapacity
	got.Config.DefaultQueryExecMode = c.DefaultQueryExecMode
	got.Config.Database, got.Config.User, got.Config.Password = c.Database, c.User, c.Password
	got.Config.ConnectTimeout, got.Config.RuntimeParams = c.ConnectTimeout, c.RuntimeParams
	got.Config.KerberosSrvName, got.Config.KerberosSpn = c.KerberosSrvName, c.KerberosSpn
	got.Config.SSLNegotiation, got.Config.SSLCertMode = c.SSLNegotiation, c.SSLCertMode
	got.Config.ChannelBinding, got.Config.RequireAuth = c.ChannelBinding, c.RequireAuth
	got.Config.MinProtocolVersion, got.Config.MaxProtocolVersion = c.MinProtocolVersion, c.MaxProtocolVersion
	first := &address{Host: c.Host, Port: c.Port}
	if c.TLSConfig != nil {
		first.TLS, first.Insecure, first.ServerName = true, c.TLSConfig.InsecureSkipVerify, c.TLSConfig.ServerName
	}
	got.Address = append(got.Address, *first)
	for _, fb := range c.Fallbacks {
		a := address{Host: fb.Host, Port: fb.Port}
		if fb.TLSConfig != nil {
			a.TLS, a.Insecure, a.ServerName = true, fb.TLSConfig.InsecureSkipVerify, fb.TLSConfig.ServerName
		}
		got.Address = append(got.Address, a)
	}
	return got
}

// FuzzRule: no panic, and a rule that is read is written and read as the same.
func FuzzRule(f *testing.F) {
	for _, s := range []string{
		"r: * ttl=1m",
		`r: table=a,"B c".* any_table=x sql~"a \"b\" \\d" hint ttl=1d12h stale=1s stale_if_error=2h`,
		"r: sql~^select ttl=1s max_rows=1 max_bytes=1MiB empty=skip allow=now,a.b consistency=strict refresh=early lock=0",
		"r: tabel=a", "r:", "r: sql~\"", "r: table=\"", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRule(s)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q written as %q:\n got %+v, %v\nwant %+v", s, r, again, err, r)
		}
	})
}

// FuzzRedact: a password never survives, whatever stands in and around it, nor
// does it appear in any error.
func FuzzRedact(f *testing.F) {
	const secret = "hunter2"
	f.Add("", "", "")
	f.Add("p/", "?x=@y", "sslmode=disable")
	f.Add("p@", "&pgcache_rule=x", "pgcache_rule=hot: table=a ttl=1m")
	f.Add(`'\ `, ` x=y'`, "oops")
	f.Add("%4", "0%zz[", "pgcache_redis=redis://:p@h")
	f.Fuzz(func(t *testing.T, before, after, tail string) {
		if strings.Contains(unescapeLenient(before+" "+after+" "+tail), secret) {
			return
		}
		password := before + secret + after
		escaped := escapeQuery(password)
		for _, s := range []string{
			"postgres://app:" + password + "@db/prod?" + tail,
			"postgres://app:" + escaped + "@db/prod?" + tail,
			"postgres://db/prod?password=" + escaped + "&" + tail,
			"postgres://db/prod?pgcache_redis=" + escapeQuery("redis://:"+password+"@cache") + "&" + tail,
			"host=db password=" + quoteKeyword(password) + " " + tail,
			"host=db pgcache_redis=" + quoteKeyword("redis://:"+password+"@cache") + " " + tail,
			"host=db pgcache_redis=" + quoteKeyword("redis://:"+escaped+"@cache") + " " + tail,
			"pgcache_peer_secret=" + quoteKeyword(password) + " " + tail,
			"redis://app:" + password + "@cache",
		} {
			if got := Redact(s); strings.Contains(got, secret) {
				t.Errorf("Redact(%q) is %q", s, got)
			}
			c, err := Parse(s)
			if err == nil {
				_, err = c.ConnConfig()
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("Parse(%q): %v", s, err)
			}
		}
	})
}
