package catalog

import (
	"slices"
	"strings"
	"testing"
)

// What triggers usually do to the row at hand is known to do no more.
func TestHarmlessTriggers(t *testing.T) {
	for _, source := range []string{
		"begin new.updated_at = now(); return new; end",
		"BEGIN\n  NEW.updated_at := CURRENT_TIMESTAMP;\n  RETURN NEW;\nEND;",
		" -- stamps\n/* a /* nested */ comment: perform f() */ begin new.\"At\" := pg_catalog.now() at time zone 'utc'; return new; end;",
		"begin if new.* is distinct from old.* then new.at = now(); end if; return new; end",
		"begin if tg_op = 'INSERT' then new.a := 1; elsif tg_op in ('UPDATE', 'DELETE') then new.a := old.a + 1; else return old; end if; return new; end",
		"begin if (new.a is null or new.b = '') and not new.c then if old.d > 3 then new.a := 'x'; end if; end if; return new; end",
		"begin if new.a < 0 then raise exception 'negative: % of %', new.a, new.id using errcode = '23514', hint = 'don''t' || ' do'; end if; return new; end",
		"begin raise notice 'hello'; return null; end",
		"begin new.tsv := setweight(to_tsvector('pg_catalog.english', coalesce(new.title, '')), 'A') || to_tsvector(new.body); return new; end",
		"begin new.slug := lower(replace(new.title, ' ', '-')); return new; end",
		"begin new.at := date_trunc('day', new.at) + interval '1 day'; new.n := case when new.m > 0 then 1 else -1 end; return new; end",
		"begin new.by := current_setting('app.user')::int; new.at := now()::timestamp with time zone; return new; end",
		"begin return coalesce(new, old); end",
		"begin null; return null; end",
		"begin new.a := new.a like 'x%' or new.a not like 'y' or new.b between 1 and 2 or new.c ilike lower('Z'); return new; end",
		"begin new.a := greatest(new.a, least(1, 2)) * (new.b % 3); return new; end",
	} {
		if found := harm(source, nil); found != "" {
			t.Errorf("%s\n\t%s", source, found)
		}
	}
}

// Anything that could run something of the user's, or touch another row, is found wherever it hides.
func TestHarmfulTriggers(t *testing.T) {
	// In the place of an expression.
	for _, expression := range []string{
		"f(new.a)", "app.f(new.a)", "pg_catalog.f()", `"now"()`, `"f"(1)`, "new.f(1)", "new.a(1)", "(new).f", "(new.a).f", "new.a.f", "new.a.b", "f (1)", "f/* */(1)",
		"(select 1)", "exists (select 1 from t)", "array(select f())", "array[f()]", "new.a[1]", "(delete from t)",
		"1 === 2", "1 operator(app.+) 2", "1 OPERATOR(pg_catalog.+) 2", "@ 1", "1 ! 2", "new.a ? 'x'", "1 +* 2", "1 => 2", "1 := 2",
		"'1'::app.small", "'1'::small", `'1'::"int"`, "new.a::new.small", "'1'::int[]", "cast('1' as small)", "small '1'", "app.small '1'", "new.small '1'", "new 'x'",
		"old 'x'", "like 'x'", "is 'x'", "not like 'x'", "zone 'x'", "at 'x'", "time zone 'x'", "tg_op 'x'", "true 'x'", "1 'x'", "(1) 'x'", "now 'x'", "lower 'x'",
		"set_config('a', 'b', false)", "nextval('s')", "query_to_xml('delete from t', true, true, '')", "pg_notify('a', 'b')", "dblink_exec('x')",
		"now", "now + 1", "lower", "small", "a", "found", "sqlstate", "$1", "new.a collate \"x\"", "f", "zone", "date(new.a)", "text(new.a)", "int(1)",
		"e'\\x'", "'a\\'", "$$x$$", "$a$x$a$", "u&'x'", "b'1'", "n'x'", "u&\"f\"()", "'unterminated", "/* unterminated",
		"lower('a') over ()", "lower(a => 1)", "lower(variadic new.a)", "1; perform f()", "1; f()", "1) + (f()", "1 into x", "1 from t", "f()::int", "extract(day from f())",
		"case when f() then 1 end", "case f() when 1 then 2 end", "coalesce(1, f())", "row(f())", "new.a in (1, f())", "new.a between f() and 2", "((((f()))))",
		"1andf(1)", "1 -- \n + f()", "lower/**/('a') || g/**/('a')", "current_timestamp(f())", "lower(1)(2)", "(lower)(1)", "new.*.f", "new . a . f (1)",
		"now() at time zone f()", "now() at time f", "now()::timestamp with f", "1 ::time with time f", "new.ä(1)", "ä(1)", "lowerä(1)", "LOWER_(1)", "\x00", "#",
	} {
		if harm("begin new.x := "+expression+"; return new; end", nil) == "" {
			t.Errorf("not found: %s", expression)
		}
		if harm("begin if "+expression+" then return new; end if; end", nil) == "" {
			t.Errorf("not found in a condition: %s", expression)
		}
		if harm("begin raise 'x %', "+expression+"; return new; end", nil) == "" {
			t.Errorf("not found in RAISE: %s", expression)
		}
		if harm("begin return "+expression+"; end", nil) == "" {
			t.Errorf("not found in RETURN: %s", expression)
		}
	}
	// In the place of a body.
	for _, source := range []string{
		"", "begin", "begin return new;", "return new", "begin return new; end; f()", "begin return new; end label", "select f()",
		"declare x int := f(); begin return new; end", "<<l>> begin return new; end", "#variable_conflict error begin return new; end",
		"begin perform f(); return new; end", "begin execute 'x'; return new; end", "begin select f() into new.a; return new; end", "begin call f(); return new; end",
		"begin insert into t values (1); return new; end", "begin update t set a = 1; return new; end", "begin delete from t; return new; end",
		"begin for i in 1..2 loop return new; end loop; end", "begin while f() loop return new; end loop; end", "begin loop return new; end loop; end",
		"begin begin return new; end; end", "begin return new; exception when others then return f(); end", "begin get diagnostics x = row_count; return new; end",
		"begin assert f(); return new; end", "begin commit; end", "begin set role x; end", "begin notify x; end", "begin lock t; end", "begin truncate t; end",
		"begin new := f(); return new; end", "begin new.a[f()] := 1; return new; end", "begin old.a := 1; return new; end", "begin f := 1; return new; end",
		"begin return query select f(); end", "begin return next f(); end", "begin raise f; end", "begin raise sqlstate '22012'; end", "begin raise; end",
		"begin raise exception using message = f(); end", "begin raise 'x' using hint = f(); end", "begin raise 'x' using errcode = '1', hint = f(); end", "begin raise 'x' using f = 1; end",
		"begin case when true then return new; end case; end", "begin if true then return new; else f(); end if; end", "begin if true then null; elsif f() then null; end if; end",
		"begin if true then return new; end; end", "begin open c; end", "begin foreach x in array y loop end loop; end", "begin with x as (delete from t) select 1; end", "begin null f(); end",
	} {
		if harm(source, nil) == "" {
			t.Errorf("not found: %s", source)
		}
	}
}

// A name that the user gave to something of his own is not trusted any more, and no other.
func TestShadowedNames(t *testing.T) {
	const stamp, low = "begin new.a := now(); return new; end", "begin new.a := lower(new.a) || 'x'::text; return new; end"
	for _, c := range []struct {
		source, shadow string
		harmful        bool
	}{
		{stamp, "now", true},
		{stamp, "lower", false},
		{low, "lower", true},
		{low, "||", true},
		{low, "text", true},
		{low, "now", false},
		{stamp, "=", true}, // IN and IS DISTINCT FROM use it unseen
		{stamp, "::", true},
		{"begin new.a := new.a like 'x'; return new; end", "~~", true},
		{"begin new.a := new.a at time zone 'x'; return new; end", "timezone", true},
	} {
		if got := harm(c.source, []string{c.shadow}) != ""; got != c.harmful {
			t.Errorf("%s, %s shadowed: harmful %v", c.source, c.shadow, got)
		}
	}
}

func TestLex(t *testing.T) {
	for sql, want := range map[string]string{
		"a.B_1$ \"C\"\"d\" 1.5e3":               `a . b_1$ "C"d" #1.5e3`,
		"'it''s' E'a\\'b' $x$ $y$ $x$ $1 'b\\'": `'it's' !a\'b! ! $y$ ! $ #1 !b\!`,
		"a--b\nc/*d/*e*/f*/g":                   "a c g",
		"a<=-b >/**/= c::int:=d":                "a <=- b > = c :: int := d",
		"U&'x' u&\"y\" u & b N'z' x'1f' xx'1'":  "!x! !y! u & b !z! !1f! xx '1'",
		".5 a.5":                                "#.5 a #.5",
		"'open":                                 "broken",
		"/* /* */":                              "broken",
		"$a$ $b$":                               "broken",
		"\"open":                                "broken",
	} {
		tokens, ok := lex(sql)
		var got []string
		for _, token := range tokens {
			marks := []string{"", `"`, "#", "'", "!", ""}[token.kind]
			end := marks
			if token.kind == number {
				end = ""
			}
			got = append(got, marks+token.text+end)
		}
		if !ok {
			got = []string{"broken"}
		}
		if joined := strings.Join(got, " "); joined != want {
			t.Errorf("%s: %s, want %s", sql, joined, want)
		}
	}
}

func FuzzHarm(f *testing.F) {
	f.Add("begin new.a := lower('x'); return new; end")
	f.Add("begin if new.a like $$x$$ then raise 'a'; end if; end")
	f.Fuzz(func(t *testing.T, source string) {
		if harm(source, nil) != "" {
			return
		}
		// Whatever passes holds no call but of what is listed.
		tokens, _ := lex(source)
		for i, token := range tokens[:max(len(tokens)-1, 0)] {
			after := tokens[i+1]
			if token.kind == word && after.kind == sign && after.text == "(" &&
				!slices.Contains(harmlessFunctions, token.text) && !slices.Contains(reservedWords, token.text) && token.text != "if" && token.text != "elsif" && token.text != "elseif" && token.text != "return" {
				t.Errorf("%q calls %s", source, token.text)
			}
			if token.kind == word && slices.Contains(strings.Fields("select insert update delete perform execute into call"), token.text) &&
				!(i > 0 && tokens[i-1].text == ".") {
				t.Errorf("%q has %s", source, token.text)
			}
		}
	})
}
