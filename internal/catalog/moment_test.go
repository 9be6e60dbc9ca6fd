package catalog

import (
	"strings"
	"testing"
)

// refusals checks the reasons against statements: each holds the words given, or there is none.
func refusals(t *testing.T, ask func(sql string) string, want map[string]string) {
	t.Helper()
	for sql, words := range want {
		if got := ask(sql); words == "" && got != "" || !strings.Contains(got, words) {
			t.Errorf("%s: %q, want %q", sql, got, words)
		}
	}
}

// What a view asks for tells the time from the user: the user is in the identity.
func TestMomentsInTrees(t *testing.T) {
	conn := open(t)
	for expression, words := range map[string]string{
		"current_date":         "asks for the time",
		"current_time":         "asks for the time",
		"current_time(2)":      "asks for the time",
		"current_timestamp":    "asks for the time",
		"current_timestamp(2)": "asks for the time",
		"localtime":            "asks for the time",
		"localtime(2)":         "asks for the time",
		"localtimestamp":       "asks for the time",
		"localtimestamp(2)":    "asks for the time",
		"current_role":         "",
		"current_user":         "",
		"user":                 "",
		"session_user":         "",
		"current_catalog":      "",
		"current_schema":       "",
		"name::date":           "reads a text as date",
		"name::timestamptz":    "reads a text as timestamp with time zone",
		"array[name]::date[]":  "reads a text as date",
		"name::tsrange":        "reads a text as tsrange",
		"name::day":            "reads a text as date",
		"name::pair":           "reads a text as pair",
		"name::days":           "reads a text as days",
		"name::mood":           "",
		"array[name]::mood[]":  "",
		"name::int":            "",
		"id::text":             "",
		"'2020-01-01'::date":   "",
		"now()":                "", // a function, judged apart
		"nextval('seq')":       "looks names up",
		"id::regclass":         "looks names up",
		"name::regtype":        "looks names up",
		"pg_typeof(id)":        "looks names up",
		"(select max(d) from xmltable('/r' passing '<r/>' columns d date))": "reads columns out of XML",
		"(select count(*) from customers tablesample system (10))":          "takes a sample",
	} {
		exec(t, conn, `drop schema if exists m cascade; create schema m; set search_path = m, shop, public;
			create domain day as date; create type pair as (a int, d date); create type days as range (subtype = date); create type mood as enum ('a', 'now');
			create sequence seq`)
		exec(t, conn, "create view v as select "+expression+" as x from customers")
		exec(t, conn, "create table guarded (id int, name text); alter table guarded enable row level security")
		got := ask(t, conn, "select 1 from v").Refusal()
		if words == "" && got != "" || !strings.Contains(got, words) {
			t.Errorf("%s: %q, want %q", expression, got, words)
		}
		if _, err := conn.Exec(t.Context(), "create policy p on guarded using (("+expression+") is not null)"); err != nil {
			t.Logf("no policy of %s: %v", expression, err)
			continue
		}
		got = ask(t, conn, "select 1 from guarded").Refusal()
		if words == "" && got != "" || !strings.Contains(got, words) {
			t.Errorf("policy %s: %q, want %q", expression, got, words)
		}
	}
}

// A column that the statement casts to a date may be cast if it holds no text in any table that the statement reads.
func TestTextCasts(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create table events (id int, at timestamptz, day date, span interval, said text, j json, d timestamp, list date[], texts text[], m shop.small);
		create table others (id int, d varchar, more text);
		create type mood as enum ('a', 'now');
		create table moods (feels mood, known bool);
		create function part(events) returns text language sql immutable as $$ select 'now' $$;
		create view shown as select said as at from events;
		create function day(others) returns text language sql immutable as $$ select 'now' $$;
	`)
	refusals(t, func(sql string) string { return ask(t, conn, sql).Refusal() }, map[string]string{
		"select at::date, day::timestamp, span::time, d::date, id::date from events": "",
		"select list::timestamptz[] from events":                                     "",
		"select said::date from events":                                              "casts said to a date",
		"select e.said::date, e.at::date from events e":                              "casts said to a date",
		"select j::date from events":                                                 "casts j",
		"select m::date from events":                                                 "casts m",
		"select texts::date[] from events":                                           "casts texts",
		"select e.d::date from events e, others o":                                   "casts d", // o.d is a text, and who knows which
		"select o.day::date, e.day from others o, events e":                          "casts day",
		"select e.day::timestamp from events e":                                      "casts day", // or it would be, if e were another
		"select nowhere::date from events":                                           "casts nowhere",
		"select e.part::date from events e":                                          "casts part",
		"select feels::date from moods":                                              "casts feels",
		"select at::date from shown":                                                 "casts at",
		"select said::timestamp, more::date from events, others":                     "casts more, said",
	})
}

// A cast of the user's own that reads a text by itself makes any comparison with a date one with the present time; those that
// read an enum are known from object-relational mappers, and harmless.
func TestCastsThatReadByThemselves(t *testing.T) {
	conn := open(t)
	exec(t, conn, "create type mood as enum ('a', 'now'); create type pair as (a int, d date); create table moods (feels mood, on_day date)")
	sql := "select * from moods where feels = $1"
	for _, c := range []struct{ from, to, want string }{
		{"varchar", "mood", ""},
		{"varchar", "uuid", ""},
		{"varchar", "date", "reads a text as date"},
		{"text", "timestamptz", "reads a text as timestamp with time zone"},
		{"varchar", "pair", "reads a text as pair"},
	} {
		exec(t, conn, "create cast ("+c.from+" as "+c.to+") with inout as implicit")
		if got := ask(t, conn, sql).Refusal(); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%v: %q", c, got)
		}
		exec(t, conn, "drop cast ("+c.from+" as "+c.to+"); create cast ("+c.from+" as "+c.to+") with inout")
		if got := ask(t, conn, sql).Refusal(); got != "" {
			t.Errorf("%v, only where it is written: %q", c, got)
		}
		exec(t, conn, "drop cast ("+c.from+" as "+c.to+")")
	}
}

// A time with time zone makes a time or a text beside it take the zone's offset of today.
func TestTimesWithTimeZone(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create domain zoned as timetz;
		create type slot as (a int, t timetz);
		create table plain (id int, at timestamptz, t time);
		create table direct (id int, t timetz);
		create table listed (id int, t timetz[]);
		create table domained2 (id int, t zoned);
		create table composed (id int, s slot[]);
		create view without as select id from direct;
		create view through as select id from direct where t > '12:00'::time;
		create function noon(int) returns timetz language sql immutable as $$ select '12:00+00'::timetz $$;
		create function takes(timetz) returns int language sql immutable as $$ select 1 $$;
	`)
	refusals(t, func(sql string) string {
		a := ask(t, conn, sql)
		for _, f := range a.Functions {
			if !f.OfSession() {
				return "function " + f.Signature
			}
		}
		return a.Refusal()
	}, map[string]string{
		"select * from plain":                     "",
		"select * from direct":                    "direct.t is a time with time zone",
		"select id from direct":                   "direct.t is a time with time zone",
		"select * from listed":                    "listed.t is",
		"select * from domained2":                 "domained2.t is",
		"select * from composed":                  "composed.s is",
		"select id from without":                  "", // its values can't be reached
		"select id from through":                  "timetz(time without time zone)",
		"select noon(1)":                          "noon() is",
		"select takes('12:00')":                   "takes() is",
		"select '12:00'::zoned":                   "zoned is",
		"select at at time zone 'UTC' from plain": "timezone(text,time with time zone)", // plain.t could be meant
		"select created at time zone 'UTC' from (select 1) c(created)":                        "",
		"select o.at at time zone 'UTC', extract(hour from o.at) from orders o":               "",
		"select make_time(1, 2, 3) at time zone 'UTC'":                                        "timezone(text,time with time zone)",
		"select time '12:00' at time zone 'UTC'":                                              "timezone(text,time with time zone)",
		"select to_char(o.at, 'HH24'), date_trunc('day', o.at), o.at + '1 day' from orders o": "",
	})
}

// Values that are names in the catalogs look different after a rename, and mean something else along another search_path.
func TestNameLookups(t *testing.T) {
	conn := open(t)
	exec(t, conn, `
		create table named_things (id int, what regclass);
		create table lists (id int, what regtype[]);
		create view counted as select id from named_things;
		create view shown as select what::text from named_things;
		create function about(regclass) returns int language sql immutable as 'select 1';
	`)
	refusals(t, func(sql string) string { return ask(t, conn, sql).Refusal() }, map[string]string{
		"select * from named_things": "named_things.what holds names",
		"select * from lists":        "lists.what holds names",
		"select * from counted":      "",
		"select * from shown":        "looks names up",
		"select about('customers')":  "about() holds names",
	})
	if fs := ask(t, conn, "select pg_partition_root('parts')").Functions; len(fs) != 1 || fs[0].OfSession() {
		t.Errorf("pg_partition_root reads the catalogs, whatever its label says: %+v", fs)
	}
}

// Types named as functions, fields that may be casts, and names that stand for nothing.
func TestCallsThatAreNone(t *testing.T) {
	conn := open(t)
	exec(t, conn, "create domain day as date; create type pair as (a int, d date); create table pairs (p pair)")
	refusals(t, func(sql string) string { return ask(t, conn, sql).Refusal() }, map[string]string{
		"select day('2020-01-01')":           "cast to day",
		"select (name).day from customers":   "cast to day",
		"select pair(name) from customers":   "cast to pair",
		"select (p).d from pairs":            "",
		"select nothing(1)":                  "no function nothing",
		"select nowhere.lower('x')":          "no function nowhere.lower",
		"select (name).lower from customers": "",
	})
}
