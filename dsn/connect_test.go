package dsn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// isolate keeps the machine's PostgreSQL settings out of a test.
func isolate(tb testing.TB) {
	tb.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") {
			tb.Setenv(name, "")
		}
	}
	tb.Setenv("HOME", tb.TempDir())
	tb.Setenv("PGUSER", "somebody")
	tb.Setenv("PGHOST", "localhost")
}

func TestConnConfig(t *testing.T) {
	isolate(t)
	c, err := Parse("host=db port=1 pgcache=off application_name=shop")
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.ConnConfig()
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != "db" || got.Port != 1 || got.RuntimeParams["application_name"] != "shop" || len(got.RuntimeParams) != 1 {
		t.Errorf("got %s:%d %v", got.Host, got.Port, got.RuntimeParams)
	}
}

func TestConnConfigOfRegistered(t *testing.T) {
	isolate(t)
	config, err := pgx.ParseConfig("host=db")
	if err != nil {
		t.Fatal(err)
	}
	name := stdlib.RegisterConnConfig(config)
	defer stdlib.UnregisterConnConfig(name)
	c, err := Parse(name + " pgcache_rule='hot: * ttl=1m'")
	if err != nil {
		t.Fatal(err)
	}
	if !c.Registered() || c.Base != name {
		t.Errorf("%s: base %q", name, c.Base)
	}
	if _, err := c.ConnConfig(); !errors.Is(err, ErrRegistered) {
		t.Errorf("got %v", err)
	}
}

// pgx's reasons come through; its quotations only where they hold no password.
func TestConnConfigErrors(t *testing.T) {
	isolate(t)
	for _, tt := range []struct{ dsn, want string }{
		{"host=db oops", `"host=db oops": pgx can't read the connection string: failed to parse as keyword/value (invalid keyword/value)`},
		{"password=hunt er2 host=db", `"password=xxxxx host=db": pgx can't read the connection string: failed to parse as keyword/value (missing '=' after "xxxxx" in connection info string)`},
		{"host=db ab c=d", `"host=db ab c=d": pgx can't read the connection string: failed to parse as keyword/value (missing '=' after "ab" in connection info string)`},
		{"host=db sslmode=maybe", `"host=db sslmode=maybe": pgx can't read the connection string: failed to configure TLS (sslmode is invalid)`},
		{"postgres://app:hunter2@db:x/prod", `"postgres://app:xxxxx@db:xxxxx": pgx can't read the connection string: invalid port`},
		{"postgres://app:hunt/er2%zz@db", `"postgres://app:xxxxx@db": pgx can't read the connection string: failed to parse as URL (invalid percent-encoded token: "xxxxx")`},
		{"postgres://app:@\"hunter2 @db", `"postgres://app:xxxxx@db": pgx can't read the connection string: failed to parse as URL (unexpected spaces found in "xxxxx", use percent-encoded spaces (%20) instead)`},
		{"postgres://[::1]x/prod", `"postgres://[::1]x/prod": pgx can't read the connection string: failed to parse as URL (unexpected character "x" at position 17 in URI (expected ':' or '/'))`},
		{"postgres://db/prod?a=b=c", `"postgres://db/prod?a=b=c": pgx can't read the connection string: failed to parse as URL (extra key/value separator '=' in URI query parameter: "a")`},
		{"postgres://app:hunter2%zz@db?pgcache=off", `"postgres://app:xxxxx@db": pgx can't read the connection string: failed to parse as URL (invalid percent-encoded token in password)`},
	} {
		c, err := Parse(tt.dsn)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.ConnConfig()
		if err == nil || err.Error() != "pgcache: "+tt.want {
			t.Errorf("%s:\n got %v\nwant pgcache: %s", tt.dsn, err, tt.want)
		}
		if _, ok := errors.AsType[*pgconn.ParseConfigError](err); !ok {
			t.Errorf("%s: pgx's error can't be had", tt.dsn)
		}
	}
}

// A parameter that would reach the server through a service file is found out.
func TestConnConfigFromServiceFile(t *testing.T) {
	isolate(t)
	path := filepath.Join(t.TempDir(), "services")
	if err := os.WriteFile(path, []byte("[shop]\nhost=db\npgcache_redis=redis://:hunter2@r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse("service=shop servicefile=" + quoteKeyword(path))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.ConnConfig()
	if want := `pgcache: pgcache_redis="redis://:xxxxx@r": must stand in the connection string, not in a service file`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
