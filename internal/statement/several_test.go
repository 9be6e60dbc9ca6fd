package statement

import (
	"fmt"
	"strings"
	"testing"
)

// A text of several statements does what each of them does, and is not cached.
func TestSeveral(t *testing.T) {
	const isOpaque = "may do anything"
	for _, c := range []struct{ sql, want string }{
		{"select 1; select 2", "reads []"},
		{"select * from a; select * from b;", "reads [a b]"},
		{"insert into a values (1); update s.b set x = 1; delete from c", "reads [a c s.b], writes [a s.b c]"},
		{"begin; insert into a values (1); commit", "reads [a], writes [a], begins, ends"},
		{"begin; set transaction read only; select * from a; rollback", "reads [a], begins, ends"},
		{"savepoint x; update a set b = 1; release x", "reads [a], writes [a]"},
		{"truncate a cascade; select 1", "reads [a], writes [a], writes anything"},
		{"lock table a; copy b from stdin", "reads [b], writes [b]"},
		{"insert into a values (1); set search_path = x", "reads [a], writes [a], changes the session"},
		{"set app.x = 'y'; insert into a values (1)", "reads [a], writes [a], changes the session"},
		{"select set_config('app.x', 'y', true); insert into a values (1)", "reads [a], writes [a], changes the session"},
		{"insert into a values (1); select f()", "reads [a], writes [a]"},
		{"select 1; discard all", "reads [], changes the session"},
		{"insert into a values (1); create table b (c int)", isOpaque},
		{"insert into a values (1); call f()", isOpaque},

		{"set search_path = x; insert into a values (1)", isOpaque},
		{"set local search_path = x; insert into a values (1)", isOpaque},
		{"set app.x = default; insert into a values (1)", isOpaque},
		{"create table b (c int); insert into a values (1)", isOpaque},
		{"drop view a; insert into a values (1)", isOpaque},
		{"discard all; insert into a values (1)", isOpaque},
		{"rollback; insert into a values (1)", isOpaque},
		{"rollback to x; insert into a values (1)", isOpaque},
		{"commit; begin; insert into a values (1)", isOpaque},
		{"select set_config('search_path', 'x', false); insert into a values (1)", isOpaque},
		{"select f(); insert into a values (1)", isOpaque},
		{"select ('select 1').ts_stat; insert into a values (1)", isOpaque},
		{"do $$ begin end $$; insert into a values (1)", isOpaque},
		{"insert into a values (1); selec", isOpaque},
		{"insert into a values (1); update db.s.t set b = 1", "reads [a db], writes [a db], writes anything"},
	} {
		s := Analyze(c.sql)
		if got := deeds(s); s.Cacheable() || got != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.sql, got, c.want, s.Refusal)
		}
		if s.Several != (c.want != isOpaque) && !s.ChangesSchema {
			t.Errorf("%s: several %v", c.sql, s.Several)
		}
		if s.ResetsSession || len(s.Assigns) > 0 || s.AssignsLocally || len(s.Narrowings) > 0 {
			t.Errorf("%s: %+v", c.sql, s)
		}
	}
}

// deeds says in words what a statement does.
func deeds(s *Statement) string {
	if s.WritesAnything && s.ChangesSchema && s.ChangesSession && s.EndsTransaction {
		return "may do anything"
	}
	words := []string{"reads " + fmt.Sprint(s.Names.Relations)}
	if len(s.Writes) > 0 {
		words = append(words, "writes "+fmt.Sprint(s.Writes))
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{
		{s.WritesAnything, "writes anything"},
		{s.ChangesSchema, "changes the schema"},
		{s.ChangesSession, "changes the session"},
		{s.BeginsTransaction, "begins"},
		{s.EndsTransaction, "ends"},
	} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	return strings.Join(words, ", ")
}

// A view may hide a call that changes the session, so what stands after it is for the catalog to judge.
func TestTrapViewThatChangesTheSession(t *testing.T) {
	conn := server(t)
	_, err := conn.Exec(t.Context(), `create schema other; create table a (b int); create table other.a (b int);
		create view sly as select set_config('search_path', 'other', false)`)
	if err != nil {
		t.Fatal(err)
	}
	const sql = "select * from sly; insert into a values (1)"
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := conn.QueryRow(t.Context(), "select count(*) from other.a").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows in the other table: %v", rows, err)
	}
	if s := Analyze(sql); !s.Several {
		t.Errorf("%+v", s)
	}
}
