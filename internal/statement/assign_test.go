package statement

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// server connects to a database of the test's own.
func server(tb testing.TB) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), pgtest.Database(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(tb.Context()) })
	return conn
}

const (
	local   = "locally"
	session = "changes the session"
	nothing = "gives nothing"
)

// What a text gives to settings of the user's own, where that can be told.
func TestAssigns(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"set app.tenant = 'x'", "app.tenant=x"},
		{"set session app.tenant to 'x'", "app.tenant=x"},
		{"SET App.TENANT = X", "app.tenant=x"},
		{`set "App"."Tenant" = "X"`, "app.tenant=X"},
		{`set "App.Tenant" = on`, "app.tenant=on"},
		{"set app.a.b = 'x'", "app.a.b=x"},
		{"set session.x = 1", "session.x=1"},
		{"set local.x = 1", "local.x=1"},
		{"set app.tenant = ''", "app.tenant="},
		{"set app.tenant = -007", "app.tenant=-7"},
		{"set app.tenant = 1.50", "app.tenant=1.50"},
		{"set app.tenant = 'now'", "app.tenant=now"},
		{"set app.tenant = '" + strings.Repeat("x", 100) + "'", "app.tenant=" + strings.Repeat("x", 100)},
		{"set app.tenant = $$x$$ -- done", "app.tenant=x"},
		{"select set_config('app.tenant', 'x', false)", "app.tenant=x"},
		{"select set_config('App.Tenant', $1, false)", "app.tenant=$1"},
		{"select pg_catalog.set_config('app.tenant'::text, $2::text, FALSE) as done", "app.tenant=$2"},
		{"select set_config('app.tenant', 'x'::text, false), set_config('app.user', $1, false)", "app.tenant=x app.user=$1"},
		{"select set_config('a.b', '1', false), set_config('a.b', '2', false)", "a.b=1 a.b=2"},

		{"set local app.tenant = 'x'", local},
		{"set local app.tenant to x", local},
		{"select set_config('app.tenant', $1, true)", local},
		{"select set_config('a.b', '1', false), set_config('a.b', '2', true)", "a.b=1 " + local},

		{"set app.tenant = default", session},
		{"set app.tenant to default", session},
		{"set local app.tenant to default", session},
		{"set app.tenant from current", session},
		{"set app.tenant = 'x', 'y'", session},
		{"set local app.tenant = 'x', 'y'", session},
		{"set app.tenant = " + strings.Repeat("x", 64), session},
		{`set app.tenant = "` + strings.Repeat("é", 32) + `"`, session},
		{`set app.tenant = '` + strings.Repeat("é", 32) + `'`, "app.tenant=" + strings.Repeat("é", 32)},
		{`set app.tenant = u&"` + strings.Repeat("x", 64) + `" uescape '!'`, session},
		{"set app." + strings.Repeat("x", 64) + " = 'x'", session},
		{"set app = 'x'", session},
		{"set local search_path = x", session},
		{"set time zone 'UTC'", session},
		{"set role x", session},
		{"reset app.tenant", session},
		{"reset all", session},
		{"discard all", session},

		{"select set_config('app.tenant', null, false)", nothing},
		{"select set_config('app.tenant', 'x', null)", nothing},
		{"select set_config('app.tenant', 'x', 'f')", nothing},
		{"select set_config('app.tenant', 'x', $1)", nothing},
		{"select set_config($1, 'x', false)", nothing},
		{"select set_config('search_path', 'x', false)", nothing},
		{"select set_config('app.tenant', 'x', false), set_config('search_path', 'x', false)", nothing},
		{"select set_config('app.tenant', 'x' || 'y', false)", nothing},
		{"select set_config('app.tenant', $1::varchar(3), false)", nothing},
		{"select set_config('app.tenant', $1::int::text, false)", nothing},
		{"select set_config('app.tenant', 'x', false), 1", nothing},
		{"select set_config('app.tenant', 'x', false) where false", nothing},
		{"select set_config('app.tenant', 'x', false) from t", nothing},
		{"select set_config('app.tenant', 'x', false) limit 0", nothing},
		{"select set_config('app.tenant', 'x', false) offset 1", nothing},
		{"select distinct set_config('app.tenant', 'x', false)", nothing},
		{"select set_config('app.tenant', 'x', false) union select 'x'", nothing},
		{"with c as (select 1) select set_config('app.tenant', 'x', false)", nothing},
		{"select (select set_config('app.tenant', 'x', false))", nothing},
		{"select coalesce(set_config('app.tenant', 'x', false), '')", nothing},
		{"select set_config('app.tenant', 'x', variadic false)", nothing},
		{"select other.set_config('app.tenant', 'x', false)", nothing},
		{"select set_config(setting_name => 'app.tenant', new_value => 'x', is_local => false)", nothing},
		{"values (set_config('app.tenant', 'x', false))", nothing},
		{"select * from set_config('app.tenant', 'x', false)", nothing},

		{"explain select set_config('app.tenant', 'x', false)", session},
		{"explain select set_config('app.tenant', 'x', true)", local},
		{"explain analyze select set_config('app.tenant', 'x', false)", session},
		{"prepare p as select set_config('app.tenant', $1, false)", session},
		{"copy (select set_config('app.tenant', 'x', false)) to stdout", nothing},
		{"set app.tenant = 'x'; select 1", session},
		{"set local app.tenant = 'x'; select 1", session},
	} {
		s := Analyze(c.sql)
		if got := assigned(s); got != c.want {
			t.Errorf("%.100s: %s, want %s", c.sql, got, c.want)
		}
		if s.WritesAnything || s.ChangesSchema || s.EndsTransaction {
			t.Errorf("%.100s: does more: %+v", c.sql, s)
		}
		if (len(s.Assigns) > 0 || s.AssignsLocally) && (s.Cacheable() || !s.Changes()) {
			t.Errorf("%.100s: %q, changes %v", c.sql, s.Refusal, s.Changes())
		}
	}
}

func assigned(s *Statement) string {
	var words []string
	for _, a := range s.Assigns {
		if a.Param > 0 {
			a.Value = fmt.Sprintf("$%d", a.Param)
		}
		words = append(words, a.Name+"="+a.Value)
	}
	if s.AssignsLocally {
		words = append(words, local)
	}
	if s.ChangesSession {
		words = append(words, session)
	}
	if len(words) == 0 {
		return nothing
	}
	return strings.Join(words, " ")
}

// What set_config does is never answered from the cache, whatever a rule vouches for.
func TestSetConfigIsRefused(t *testing.T) {
	for _, sql := range []string{
		"select set_config('app.tenant', 'x', false)", "select set_config(a, b, false) from t", "select * from t where set_config('a', 'b', true) = 'b'",
	} {
		if s := Analyze(sql); s.Cacheable() || !slices.Contains(s.Names.Functions, Function{Name{Name: "set_config"}, 3}) {
			t.Errorf("%s: %q %v", sql, s.Refusal, s.Names.Functions)
		}
	}
}

// Whatever the way in which a value is written: what Analyze says is what the server stores, and a local value is gone with
// its transaction.
func TestAssignsAreWhatTheServerStores(t *testing.T) {
	conn := server(t)
	told, locally, refused := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		sql, args := drawSet(t)
		if err := reset(t, conn); err != nil {
			t.Fatal(err)
		}
		s := Analyze(sql)
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			refused++
			return
		}
		if len(s.Assigns) == 0 && !s.AssignsLocally {
			return
		}
		if s.AssignsLocally {
			locally++
		}
		want := map[string]string{}
		for _, a := range s.Assigns {
			want[a.Name] = a.Value
			if a.Param > 0 {
				want[a.Name] = args[a.Param-1].(string)
			}
		}
		for name, value := range want {
			told++
			var stored string
			if err := conn.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&stored); err != nil || stored != value {
				t.Fatalf("%s %q: the server has %q, Analyze says %q: %v", sql, args, stored, value, err)
			}
		}
		for _, name := range settingNames {
			var stored string
			if err := conn.QueryRow(t.Context(), "select current_setting($1)", name).Scan(&stored); err != nil {
				t.Fatal(err)
			}
			if value, ok := want[name]; !ok && stored != "before" {
				t.Fatalf("%s %q: changes %s to %q, want %q", sql, args, name, stored, value)
			}
		}
	})
	if told == 0 || locally == 0 {
		t.Error("the test tries nothing")
	}
	t.Logf("%d values compared, %d texts with local ones, %d that PostgreSQL refused", told, locally, refused)
}

// A setting that did not exist before SET LOCAL does afterwards: AssignsLocally is not nothing.
func TestTrapLocalValuesLeaveAnEmptyText(t *testing.T) {
	conn := server(t)
	value := func(name string) (value *string) {
		if err := conn.QueryRow(t.Context(), "select current_setting($1, true)", name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	for name, sql := range map[string]string{"a.b": "set local a.b = 'x'", "c.d": "select set_config('c.d', 'x', true)"} {
		if s := Analyze(sql); !s.AssignsLocally {
			t.Errorf("%s: %s", sql, assigned(s))
		}
		if before := value(name); before != nil {
			t.Errorf("%s is %q before", name, *before)
		}
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := value(name); after == nil || *after != "" {
			t.Errorf("%s: afterwards %v", sql, after)
		}
	}
}

// settingNames are the settings that drawSet writes to, as the server compares them.
var settingNames = []string{"app.tenant", "app.user_1", "session.x", "local.x", "a.b.c"}

func reset(t *rapid.T, conn *pgx.Conn) error {
	for _, name := range settingNames {
		if _, err := conn.Exec(t.Context(), "select set_config($1, 'before', false)", name); err != nil {
			return err
		}
	}
	return nil
}

func drawSet(t *rapid.T) (sql string, args []any) {
	word := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	name := word("name", "app.tenant", "App.TENANT", `"App".tenant`, `"app.user_1"`, "session.x", "local.x", "a.b.c")
	piece := word("piece", "x", "X", "ä", "Ä", "7", " ", "now", "\r", "a\r\nb", "''", `""`, `\`, "\n", "/* */", "--", "$", "€", strings.Repeat("é", 40))
	value := word(
		"value", "'%s'", "'%s' 'y'", "'%s'\n'z'", "e'%s\\t'", "$$%s$$", "$q$%s$q$", "u&'%s\\0061'", `"%s"`, `u&"%s\0062"`, `u&"%s!0062" uescape '!'`,
		"%s", "x%s", "on", "TRUE", "false", "none", "Local", "user", "default", "0%s", "1.50%s", "-1", "- 5", "+5.0", "1e3", "1.e-3", ".5", "99999999999",
		"0x1F", "1_000", "0o17", "2147483647", "2147483648", "-2147483648", "interval '1'", "null", "(1)", "'a', 'b'",
	)
	if strings.Contains(value, "%s") {
		value = fmt.Sprintf(value, piece)
	}
	if rapid.Bool().Draw(t, "by set") {
		return fmt.Sprintf("set %s%s %s %s", word("extent", "", "", "session ", "local "), name, word("to", "to", "="), value), nil
	}
	name = strings.ReplaceAll(name, `"`, "")
	if rapid.Bool().Draw(t, "placeholder") {
		value, args = word("cast", "$1", "$1::text", "($1)"), []any{piece}
	}
	call := fmt.Sprintf("set_config('%s', %s, %s)", name, value, word("local", "false", "true"))
	return "select " + word("more", call, call+", "+call, call+", set_config('a.b.c', 'more', false)", "pg_catalog."+call), args
}
