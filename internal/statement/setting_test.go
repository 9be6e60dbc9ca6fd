package statement

import (
	"fmt"
	"testing"
)

// The settings that a text reads by name, and the ways to read one that only the server will know.
func TestSettings(t *testing.T) {
	for _, c := range []struct {
		sql      string
		settings string
		computed bool
	}{
		{"select current_setting('app.tenant')", "[app.tenant]", false},
		{"select pg_catalog.current_setting('App.Tenant'::text, true)", "[app.tenant]", false},
		{"select 1 from t where a = current_setting('b.b')::int and b in (select current_setting('a.a', false))", "[a.a b.b]", false},
		{"select current_setting('a.a'), current_setting('A.A'), current_setting('TimeZone')", "[a.a timezone]", false},
		{"with c as (select current_setting('É.x', $1)) select * from c", "[É.x]", false},
		{"select other.current_setting('a.a')", "[]", false},
		{"select 'current_setting(''a.a'')', 1 as current_setting, \"current_setting\" from t", "[]", false},

		{"select current_setting($1)", "[]", true},
		{"select current_setting('a' || '.a'), current_setting('b.b')", "[b.b]", true},
		{"select current_setting(name) from t", "[]", true},
		{"select current_setting(null)", "[]", true},
		{"select current_setting('a.a'::varchar(2))", "[]", true},
		{"select current_setting(variadic '{a.a}')", "[]", true},
		{"select current_setting(setting_name => 'a.a')", "[]", true},
		{"select current_setting()", "[]", true},
		{"select ('a.a').current_setting", "[]", true},
		{"select (x).current_setting from t", "[]", true},
		{"select x.current_setting from lower('A.A') x", "[]", true},
		{"select lower.current_setting from lower('A.A')", "[]", true},
	} {
		s := Analyze(c.sql)
		if got := fmt.Sprint(s.Settings); got != c.settings && c.settings != "" || s.ComputedSetting != c.computed {
			t.Errorf("%s: %s, computed %v, want %s, %v (%s)", c.sql, got, s.ComputedSetting, c.settings, c.computed, s.Refusal)
		}
	}
}

// What a name in current_setting means to the server is what it means to us.
func TestSettingNamesFoldAsTheServerFoldsThem(t *testing.T) {
	conn := server(t)
	for _, name := range []string{"app.tenant", "App.TENANT", "é.x", "É.x", "a.ı", "a.I", "\u212a.x", "K.x"} {
		if _, err := conn.Exec(t.Context(), "select set_config($1, $1, false)", name); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"app.tenant", "App.TENANT", "é.x", "É.x", "a.ı", "a.I", "a.i", "k.x", "K.x"} {
			var value *string
			if err := conn.QueryRow(t.Context(), "select current_setting($1, true)", other).Scan(&value); err != nil {
				t.Fatal(err)
			}
			if same := value != nil && *value == name; same != (foldSetting(name) == foldSetting(other)) {
				t.Errorf("%s and %s: the same for the server: %v", name, other, same)
			}
		}
	}
}
