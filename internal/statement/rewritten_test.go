package statement

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

func TestRewritten(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"update r set b = 2 where a = 1", "r.a=1"},
		{"update r set b = a + 1, c = default where $1 = a and c > 2 returning *", "r.a=$1"},
		{"update only s.r x set b = 2 where x.a = 1 and x.c = 'y'", "s.r.a=1 s.r.c='y'"},
		{"update r set b = 2 where a = 1 and exists (select from s where s.a = r.b)", "r.a=1"},
		{"update r set (b, c) = (1, 2) where a = 1", "r.a=1"},
		{"update r set (b, c) = (select 1, 2) where a = $1::int", "r.a=$1::int4"},
		{"delete from r where a = 1", "r.a=1"},
		{"delete from r x where a = 1 and x.b = 2 returning x.*", "r.a=1 r.b=2"},
		{"insert into r (a, b, c) values (1, $1, 'x')", "r.a=1 r.b=$1 r.c='x'"},
		{"insert into r as x (a, b, c) values (1, default, b + 1) returning a", "r.a=1"},
		{"insert into r (a, b) values (1, 2) on conflict do nothing", "r.a=1 r.b=2"},
		{"insert into r (a, b) values (1, 2) on conflict (a) do nothing", "r.a=1 r.b=2"},
		{"explain analyze update r set b = 2 where a = 1", "r.a=1"},
		{"prepare p as update r set b = 2 where a = 1", "r.a=1"}, // it writes nothing at all

		// The value changes.
		{"update r set a = 2 where a = 1", ""},
		{"update r set a = a where a = 1 and b = 1", "r.b=1"},
		{"update r set (b, a) = (1, 2) where a = 1", ""},
		{"update r set (b, a) = (select 1, 2) where a = 1", ""},
		{"update r set a[1] = 2 where a = 1", ""},
		{"update r set a.x = 2 where a = 1", ""},
		{`update r set "a" = 2 where a = 1`, ""},
		{"insert into r (a, b) values (1, 2) on conflict (a) do update set a = 3", ""},
		// Other rows change too, or it is not said which.
		{"update r set b = 2", ""},
		{"update r set b = 2 where a = 1 or b = 3", ""},
		{"update r set b = 2 where a in (1)", ""},
		{"update r set b = 2 where current of cursor", ""},
		{"update r set b = 2 from s where r.a = 1", ""},
		{"update r set b = 2 where a = (select max(a) from r)", ""},
		{"delete from r using s where r.a = 1", ""},
		{"delete from r", ""},
		{"with s as (delete from u) update r set b = 2 where a = 1", ""},
		{"with s as (delete from u returning a) insert into r (a) values (1)", ""},
		{"insert into r (a) values (1), (2)", ""},
		{"insert into r values (1, 2)", ""},
		{"insert into r (a) select 1", ""},
		{"insert into r default values", ""},
		{"insert into r (a, b) values (1 + 1, (select 2))", ""},
		{"insert into r (a, b) values (null, default)", ""},
		{"insert into r (a) overriding user value values (1)", ""},
		{"insert into r (a, b) values (1, 2) on conflict on constraint x do update set c = 3", ""},
		{"insert into r (a, b) values (1, 2) on conflict (a) do update set c = 3", ""}, // whose a may be one that an index finds equal
		{"merge into r using s on r.a = 1 when matched then delete", ""},
		{"truncate r", ""},
		{"copy r from stdin", ""},
		{"update r set b = 2 where a = 1; update r set b = 2 where a = 2", ""},
		{"with x as (update r set b = 2 where a = 1 returning *) select * from x", ""},
		{"select * from r where a = 1", ""},
	} {
		if got := strings.Trim(fmt.Sprint(Analyze(c.sql).Rewritten), "[]"); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}

// The promise, held against PostgreSQL: the rows for which the column does not have the value are the same before and after.
func TestRewrittenHolds(t *testing.T) {
	conn := server(t)
	if _, err := conn.Exec(t.Context(), "create table r (a int, b int, c text, unique (a, b))"); err != nil {
		t.Fatal(err)
	}
	held, changed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			s := Analyze(drawWrite(t))
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "insert into r values "+drawRows(t)+" on conflict do nothing"); err != nil {
				t.Fatal(err)
			}
			n, rows := holdWrite(t, tx, s)
			held, changed = held+n, changed+rows
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Logf("%d promises held, %d with rows that changed", held, changed)
	if held < 100 || changed < held/10 {
		t.Error("the test tries too little")
	}
}

// holdWrite runs a write and looks at the rows that it promises to leave alone.
func holdWrite(t *rapid.T, tx pgx.Tx, s *Statement) (held, changed int) {
	others := func(n Narrowing) string {
		got, err := answer(t, tx, fmt.Sprintf("select * from r where (%s = %s) is not true", n.Column, literal(n, nil)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := make([]string, len(s.Rewritten))
	for i, n := range s.Rewritten {
		before[i] = others(n)
	}
	savepoint, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tag, err := savepoint.Exec(t.Context(), s.Text)
	if err != nil {
		if err := savepoint.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		return 0, 0
	}
	for i, n := range s.Rewritten {
		if after := others(n); after != before[i] {
			t.Fatalf("%s\npromises %s, and leaves other rows as\n%s\nwhich were\n%s", s.Text, n, after, before[i])
		}
	}
	return len(s.Rewritten), min(int(tag.RowsAffected()), len(s.Rewritten))
}

// drawWrite makes up a write to r.
func drawWrite(t *rapid.T) string {
	number := rapid.SampledFrom([]string{"0", "1", "2", "null", "a", "b", "a + 1", "-1"})
	value := func(label string) string { return number.Draw(t, label) }
	condition := rapid.SampledFrom([]string{
		"", " where a = 1", " where a = 1 and b = 2", " where 0 = b", " where a = 1 or b = 1", " where not a = 1",
		" where c = '1' and (a = 2)", " where r.a = 2 and b is null", " where a = b", " where a = 1 and b in (select b from r)",
	}).Draw(t, "condition")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return "delete from r" + condition
	case 1:
		column := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "column")
		return fmt.Sprintf("update r set %s = %s%s", column, value("new"), condition)
	case 2:
		return fmt.Sprintf("update r set (c, a) = ('x', %s)%s", value("new"), condition)
	default:
		conflict := rapid.SampledFrom([]string{
			"", " on conflict do nothing", " on conflict (a, b) do update set c = 'y'", " on conflict (b, a) do update set b = 0",
			" on conflict (a, b) do update set b = excluded.b + 1, c = 'z'", " on conflict on constraint r_a_b_key do update set c = 'y'",
		}).Draw(t, "conflict")
		plain := rapid.SampledFrom([]string{"0", "1", "2", "null", "1 + 1", "default"})
		return fmt.Sprintf("insert into r (b, a) values (%s, %s)%s", plain.Draw(t, "b"), plain.Draw(t, "a"), conflict)
	}
}
