package regress

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// pieces takes a script apart; a command shows as its name and arguments.
func pieces(script string, vars variables, escapes bool) []string {
	l := &lexer{rest: script, vars: vars, escapes: func() bool { return escapes }}
	var list []string
	for t, ok := l.next(); ok; t, ok = l.next() {
		switch {
		case t.command != "":
			list = append(list, fmt.Sprintf(`\%s%q`, t.command, t.args))
		case t.several:
			list = append(list, "several: "+t.text)
		default:
			list = append(list, t.text)
		}
	}
	return list
}

func TestLexer(t *testing.T) {
	vars := variables{"one": "1", "quote": "it's", "slash": `a\b`, "name": `x"y`, "script": "select 1; select 2"}
	for _, c := range []struct {
		script string
		want   []string
	}{
		{"select 1; select 2", []string{"select 1", "select 2"}},
		{" ; ;-- nothing\n;/* nor here */", nil},
		{"select ';' ; select 2;", []string{"select ';'", "select 2"}},
		{"select 'it''s;'; x", []string{"select 'it''s;'", "x"}},
		{`select '\'; x`, []string{`select '\'`, "x"}},
		{`select E'\';'; x`, []string{`select E'\';'`, "x"}},
		{`select type'\'; x`, []string{`select type'\'`, "x"}},
		{`select ";"";"; x`, []string{`select ";"";"`, "x"}},
		{"select $$;$$, $a$;$$;$a$; x", []string{"select $$;$$, $a$;$$;$a$", "x"}},
		{"select $1; x", []string{"select $1", "x"}},
		{"select a$b$; x$b$", []string{"select a$b$", "x$b$"}},
		{"select 1 -- ;\n; x", []string{"select 1 -- ;", "x"}},
		{"select /* ; /* ; */ ; */ 1; x", []string{"select /* ; /* ; */ ; */ 1", "x"}},
		{"create rule r as do (a; b); x", []string{"create rule r as do (a; b)", "x"}},
		{`select 1\; select 2; x`, []string{"several: select 1; select 2", "x"}},
		{
			"create function f() begin atomic select 1; select case when true then 2 end; end; x",
			[]string{"create function f() begin atomic select 1; select case when true then 2 end; end", "x"},
		},
		{
			"create or replace procedure p() begin atomic select 1; end; x",
			[]string{"create or replace procedure p() begin atomic select 1; end", "x"},
		},
		{"create table f(); begin; x", []string{"create table f()", "begin", "x"}},
		{
			"select :one, :two, :'quote', :\"name\", a[1:2], 1::int, ':one', :{?one}, :{?two}",
			[]string{`select 1, :two, 'it''s', "x""y", a[1:2], 1::int, ':one', TRUE, FALSE`},
		},
		{"select :'slash'", []string{`select  E'a\\b'`}},
		{":script; x", []string{"select 1", "select 2", "x"}},
		{"\\d+ x\nselect 1", []string{`\d+["x"]`, "select 1"}},
		{"select 1 \\gset a_ \\echo :one\nx", []string{`\gset["a_"]`, `\echo["1"]`, "select 1 \nx"}},
		{`\set a :one'/b c' "d" :'quote' e'f\n''g'` + "\nx", []string{`\set["a" "1/b c" "\"d\"" "'it''s'" "ef\n'g"]`, "x"}},
		{`\set a terse \\ -- said` + "\nx", []string{`\set["a" "terse"]`, "-- said\nx"}},
		{`\copy t from 'a b' :one \x` + "\nx", []string{`\copy["t from 'a b' :one \\x"]`, "x"}},
		{`\g | cat \x` + "\nx", []string{`\g["| cat \\x"]`, "x"}},
		{"\\echo 'open\nx", []string{`\echo["open"]`, "x"}},
	} {
		if got := pieces(c.script, vars, false); !slices.Equal(got, c.want) {
			t.Errorf("%s\ngot  %q\nwant %q", c.script, got, c.want)
		}
	}
}

func TestLexerFollowsEscapes(t *testing.T) {
	want := []string{`select '\';'`, "x"}
	if got := pieces(`select '\';'; x`, nil, true); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestInlineData(t *testing.T) {
	l := &lexer{rest: "copy t from stdin; select 1;\na\n\\.b\n\\.\nselect 2;"}
	first, _ := l.next()
	data, remove := l.inline()
	if data != "a\n\\.b\n" {
		t.Errorf("data %q", data)
	}
	remove()
	if rest := strings.Join(append([]string{first.text}, pieces(l.rest, nil, false)...), "|"); rest != "copy t from stdin|select 1|select 2" {
		t.Errorf("rest %q", rest)
	}
}

func TestKeyword(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " -- a\n": "", "/* /* */ */ ": "", "SELECT 1": "select", "-- a\n((select 1))": "select",
		"/* a */WITH x": "with", "12": "1", "( ": "",
	} {
		if got := keyword(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzLexer(f *testing.F) {
	for _, script := range []string{"select 1;", `\set a 'b`, "$a$ ; $a$", "create function f() begin atomic", `a \; b`, ":a :'a'"} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script string) {
		l := &lexer{rest: script, vars: variables{"a": "b;"}}
		for n := 0; ; n++ {
			if _, ok := l.next(); !ok {
				break
			}
			if n > len(script)*3 {
				t.Fatal("more tokens than text")
			}
			l.inline()
		}
	})
}
