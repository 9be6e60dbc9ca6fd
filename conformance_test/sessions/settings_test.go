package sessions_test

import (
	"fmt"
	"strings"
)

// setting is something of a session that can be set, and the values that it takes in a world.
type setting struct {
	name   string
	values []string
	bad    string // a value that the server refuses
}

// shapes tells whether the setting says how values are read and written.
func (s setting) shapes() bool {
	switch s.name {
	case "TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "transform_null_equals", "array_nulls",
		"default_text_search_config":
		return true
	default:
		return false
	}
}

// quoted writes a value as SET takes it.
func (s setting) quoted(value string) string {
	if s.name == "search_path" {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// chooseSettings takes a few, each with a few values, so that sessions come back to a state that they or others were in.
func (w *world) chooseSettings() {
	role := setting{"role", []string{"alice", "bob", "staff", "own", "none"}, "nobody"}
	path := setting{"search_path", w.paths, ""}
	tenant := setting{"app.tenant", []string{"t0", "t1", "t2", ""}, ""}
	all := []setting{
		role,
		{"session_authorization", []string{"alice", "bob", "own"}, "nobody"},
		path, path, tenant,
		{"app.depth", []string{"1", "5", ""}, ""},
		{"TimeZone", []string{"UTC", "America/New_York", "Asia/Kathmandu"}, "Nowhere/Land"},
		{"DateStyle", []string{"ISO, MDY", "German", "SQL, DMY"}, "Celtic"},
		{"IntervalStyle", []string{"postgres", "iso_8601", "postgres_verbose"}, "short"},
		{"extra_float_digits", []string{"0", "3", "-10"}, "99"},
		{"bytea_output", []string{"hex", "escape"}, "octal"},
		{"row_security", []string{"on", "off"}, "maybe"},
		{"default_text_search_config", []string{"pg_catalog.english", "pg_catalog.simple"}, "pg_catalog.none"},
		{"transform_null_equals", []string{"on", "off"}, "maybe"},
	}
	if w.once(10) {
		// Under some of these nothing is cached.
		all = append(all, setting{"array_nulls", []string{"on", "off"}, "maybe"},
			setting{"standard_conforming_strings", []string{"on", "off"}, "maybe"},
			setting{"client_encoding", []string{"UTF8", "LATIN1"}, "MORSE"},
			setting{"default_transaction_isolation", []string{"read committed", "repeatable read"}, "none"})
	}
	w.settings = some(w.dice, 3, all)
	if w.expect.policies {
		w.settings = append(w.settings, role, tenant)
	}
	for i := range w.settings {
		w.settings[i].values = some(w.dice, 2, w.settings[i].values)
	}
	w.start = []string{"search_path=" + pick(w.dice, w.paths...)}
	for _, s := range some(w.dice, 3, w.settings) {
		if w.once(3) && s.name != "session_authorization" && s.name != "search_path" {
			w.start = append(w.start, s.name+"="+pick(w.dice, s.values...))
		}
	}
}

// change is a statement that changes a session, or looks as if it did.
func (g *generator) change(on int) op {
	s := pick(g.dice, g.settings...)
	value := pick(g.dice, s.values...)
	if s.bad != "" && g.once(8) {
		value = s.bad
	}
	o := choose(g.dice,
		option[op]{40, func() op { return op{do: exec, sql: g.setStatement(s, value), kind: "set"} }},
		option[op]{12, func() op { return op{do: exec, sql: "reset " + resetName(s), kind: "reset"} }},
		option[op]{12, func() op { return g.setConfig(s, value) }},
		option[op]{6, func() op { return g.setOpaquely(s, value) }},
		option[op]{2, func() op { return op{do: exec, sql: "reset all", kind: "reset all"} }},
		option[op]{2, func() op { return g.discard() }},
		option[op]{2, func() op { return op{do: renew, kind: "renew"} }},
		option[op]{2, func() op { return op{do: swap, kind: "swap"} }},
	)
	if on == pool && o.do == swap {
		o = op{do: exec, sql: "set " + s.name + " to default", kind: "set"}
	}
	o.on = on
	return o
}

// setStatement is one of the ways to write SET. Outside a transaction SET LOCAL does nothing but warn.
func (g *generator) setStatement(s setting, value string) string {
	scope := pick(g.dice, "", "", "", "session ", "local ", "local ")
	switch {
	case s.name == "role" && g.percent(80):
		return "set " + scope + "role " + value
	case s.name == "session_authorization" && g.percent(80):
		return "set " + scope + "session authorization " + value
	case s.name == "TimeZone" && g.once(3):
		return "set " + scope + "time zone " + s.quoted(value)
	case g.once(12):
		return "set " + scope + s.name + " to default"
	}
	return "set " + scope + s.name + pick(g.dice, " to ", " = ") + s.quoted(value)
}

func resetName(s setting) string {
	if s.name == "session_authorization" {
		return "session authorization"
	}
	return s.name
}

// setConfig sets by a call, in texts that look more or less like reads.
func (g *generator) setConfig(s setting, value string) op {
	local := pick(g.dice, "false", "false", "true")
	literal := func(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }
	name := s.name
	if g.once(4) {
		name = strings.ToUpper(name)
	}
	call1 := func(sql string, args ...any) op { return op{do: call, sql: sql, args: args, kind: "set_config"} }
	switch g.IntN(10) {
	case 6: // the second one is refused, and takes the first one back
		return call1(fmt.Sprintf("select set_config('%s', %s, %s), set_config('%s', $1, false)", name, literal(value), local,
			pick(g.dice, "TimeZone", "row_security", "app.1st")), "bad")
	case 7:
		return call1("select set_config('"+name+"', $1, "+local+")", pick[any](g.dice, nil, []byte(value), &value, 5))
	case 8:
		return call1(fmt.Sprintf("select set_config('%s', %s, %s), set_config('%s', $1, false)", name, literal(value), local, "app.tenant"), g.tenant())
	case 0:
		return call1("select set_config($1, $2, "+local+")", name, value)
	case 1:
		return call1("select set_config('"+name+"', $1, $2)", value, local == "true")
	case 2:
		return op{do: execStmt, sql: "select set_config($1, $2, " + local + ")", args: []any{name, value}, kind: "set_config"}
	case 3:
		return call1(fmt.Sprintf("values (set_config('%s', %s, %s))", name, literal(value), local))
	case 4:
		return call1(fmt.Sprintf("with x as (select set_config('%s', %s, %s) as v) select v from x", name, literal(value), local))
	case 5:
		return call1(fmt.Sprintf("select id, pg_catalog.set_config('%s', %s, %s) from %s limit 1", name, literal(value), local, g.rel()))
	default:
		return call1(fmt.Sprintf("select set_config('%s', %s, %s)", name, literal(value), local))
	}
}

// setOpaquely sets where only the server can see it.
func (g *generator) setOpaquely(s setting, value string) op {
	set := "set " + s.name + " to " + s.quoted(value)
	o := choose(g.dice,
		option[op]{3, func() op { return op{do: exec, sql: "do $do$ begin " + set + "; end $do$"} }},
		option[op]{2, func() op { return op{do: exec, sql: set + "; select 1"} }},
		option[op]{2, func() op { return op{do: exec, sql: set + "; select 1/0"} }},
		option[op]{2, func() op {
			return op{do: exec, sql: "begin; " + set + "; " + pick(g.dice, "commit", "rollback", "rollback; select 1")}
		}},
	)
	o.kind = "set opaquely"
	if g.expect.raw && g.once(2) {
		o = op{do: raw, sql: set, kind: "set raw"}
	}
	if s.name == "search_path" && g.expect.functions && g.once(2) {
		o = op{do: call, sql: "select setpath($1)", args: []any{value}, kind: "set by function"}
	}
	return o
}

// discard is DISCARD ALL where pgx survives it: where it keeps no prepared statements.
func (g *generator) discard() op {
	if g.mode == "cache_statement" {
		return op{do: exec, sql: pick(g.dice, "discard temp", "discard plans"), kind: "discard"}
	}
	return op{do: exec, sql: pick(g.dice, "discard all", "discard all", "discard temp"), kind: "discard"}
}
