package catalog

import (
	"fmt"
	"testing"
)

// Settings that something on the way reads are found by name, wherever they are read; a name that is not written there makes
// the reads computed.
func TestSettingsOnTheWay(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create view direct as select * from customers where name = current_setting('App.Tenant');
		create view indirect as select * from direct where id > current_setting('app.least', true)::int;
		create view by_name as select current_setting('app.' || name) from customers;
		create view by_column as select current_setting(name) from customers;
		create view mixed as select current_setting('app.a') as a, current_setting(name) as b from customers;
		create table guarded (id int);
		alter table guarded enable row level security;
		create policy p on guarded using (id = current_setting('app.policy')::int);
		create policy q on guarded as restrictive for select using (current_setting('app.strict', true) is distinct from 'no');
		create policy r on guarded for update using (current_setting('app.update') = '1');
		create function atomic() returns text stable begin atomic select current_setting('app.atomic'); end;
		create function given(name text default current_setting('app.default')) returns text immutable language sql as 'select $1';
		create function texted() returns text language sql stable as $$ select current_setting('app.texted') $$;
		create function mislabelled() returns text language sql immutable as $$ select current_setting('app.mislabelled') $$;
		create function dynamic(x text) returns text language plpgsql as $$ begin return current_setting(x); end $$;
		create function ticked(text) returns text immutable begin atomic select current_setting($1); end;
		create domain tenanted as text check (value = current_setting('app.domain'));
		create table with_domain (t tenanted);
		create operator ?? (rightarg = text, function = pg_catalog.current_setting);
		create view through_operator as select ?? 'app.operator' as x;
	`)
	for sql, want := range map[string]string{
		"select * from customers":                          "[] false",
		"select * from direct":                             "[app.tenant] false",
		"select * from indirect":                           "[app.least app.tenant] false",
		"select * from by_name":                            "[] true",
		"select * from by_column":                          "[] true",
		"select * from mixed":                              "[app.a] true",
		"select * from guarded":                            "[app.policy app.strict] false",
		"select (select max(id) from guarded) from direct": "[app.policy app.strict app.tenant] false",
		"select atomic()":                                  "[app.atomic] false",
		"select given()":                                   "[app.default] false",
		"select texted()":                                  "[app.texted] false",
		"select mislabelled()":                             "[app.mislabelled] false",
		"select dynamic('x')":                              "[] true",
		"select ticked('x')":                               "[] true",
		"select * from with_domain":                        "[app.domain] false",
		"select 'a'::tenanted":                             "[app.domain] false",
		"select * from through_operator":                   "[] true",
		"select ?? 'app.operator'":                         "[] true",
		"select current_setting('app.text')":               "[] false", // the text says it itself
	} {
		a := ask(t, conn, sql)
		if got := fmt.Sprint(a.Settings, a.ComputedSetting); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	if functions := ask(t, conn, "select mislabelled()").Functions; len(functions) > 0 {
		t.Errorf("its label says immutable: %+v", functions)
	}
	reads := ask(t, conn, "select * from direct").Functions
	if len(reads) != 1 || !reads[0].ReadsSetting() || reads[0].OfSession() {
		t.Errorf("%+v", reads)
	}
}

// Names in the text of functions that are not followed.
func TestSettingsInSources(t *testing.T) {
	for source, want := range map[string]string{
		"select current_setting('app.a')":                                             "[app.a] false",
		"select pg_catalog.current_setting('App.A', true), CURRENT_SETTING ( 'b.c' )": "[app.a b.c] false",
		`select "current_setting"('app.a')`:                                           "[app.a] false",
		"begin return current_setting('app.a'); end -- current_setting(x)":            "[app.a] false",
		"select current_setting(x)":                                                   "[] true",
		"select current_setting('a' || 'b')":                                          "[] true",
		"select current_setting('a'::text)":                                           "[] true",
		"select current_setting(e'app.a')":                                            "[] true",
		"select current_setting('a'\n'b')":                                            "[] true",
		"select current_setting($1)":                                                  "[] true",
		"select current_setting(setting_name => 'a.b')":                               "[] true",
		"execute 'select current_setting(''app.a'')'":                                 "[] true",
		"execute $x$select current_setting('app.a')$x$":                               "[] true",
		"select current_setting":                                                      "[] true",
		`select "x current_setting"`:                                                  "[] true",
		"select 'open":                                                                "[] true",
		"select my_current_setting('a.b')":                                            "[] true",
		"select 1":                                                                    "[] false",
	} {
		var reads settingReads
		reads.source("sql", source)
		if got := fmt.Sprint(reads.sorted(), reads.computed); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
	var reads settingReads
	reads.source("plpython3u", "plpy.execute('...')")
	if !reads.computed {
		t.Error("a language that can't be read was read")
	}
}

func TestTextDatum(t *testing.T) {
	for numbers, want := range map[string]string{
		"20 0 0 0 120":       "x",
		"0 0 0 5 120":        "x", // on a big-endian server
		"24 0 0 0 -61 -92":   "ä",
		"16 0 0 0":           "",
		"24 0 0 0 120":       "?",
		"5 120":              "?", // with a header of one byte
		"":                   "?",
		"20 0 0 0 x":         "?",
		"20 0 0 0 300":       "?",
		"22 0 0 0 120":       "?", // compressed
		"1 18 0 0 0 0 0 0 0": "?", // elsewhere
	} {
		got, ok := textDatum(numbers)
		if !ok {
			got = "?"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", numbers, got, want)
		}
	}
}
