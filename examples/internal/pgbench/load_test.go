package pgbench

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Where pgbench is missing the tables are made by hand, and must come out the same.
func TestTablesLikePgbenchs(t *testing.T) {
	d := database(t)
	pgbench, err := d.server.Program("pgbench")
	if errors.Is(err, os.ErrNotExist) {
		t.Log("no pgbench here to compare with: only the rows are counted")
	}
	byHand := database(t)
	if err := byHand.copyTables(t.Context(), 2, newBar(io.Discard, "loading")); err != nil {
		t.Fatal(err)
	}
	got := describe(t, byHand)
	for _, want := range []string{"rows: accounts 200000\n", "rows: branches 2\n", "rows: history 0\n", "rows: tellers 20\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwithout %s", got, want)
		}
	}
	if pgbench == "" {
		return
	}
	if err := d.runPgbench(t.Context(), pgbench, 2, newBar(io.Discard, "loading")); err != nil {
		t.Fatal(err)
	}
	if want := describe(t, d); got != want {
		t.Errorf("by hand\n%s\nby pgbench\n%s", got, want)
	}
}

// describe tells the columns, keys, digests and sizes of the tables, one a line.
func describe(t *testing.T, d *Database) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	err = conn.QueryRow(t.Context(), `
		select string_agg(line, E'\n' order by line) || E'\n' from (
			select concat_ws(' ', c.relname, c.reloptions::text, attnum, attname, format_type(atttypid, atttypmod), attnotnull) as line
			  from pg_class c join pg_attribute on attrelid = c.oid
			 where c.relname like 'pgbench%' and c.relkind = 'r' and attnum > 0
			union all select indexdef from pg_indexes where schemaname = 'public'
			union all select 'accounts ' || md5(string_agg(a::text, ',' order by aid)) from pgbench_accounts a
			union all select 'branches ' || md5(string_agg(b::text, ',' order by bid)) from pgbench_branches b
			union all select 'tellers ' || md5(string_agg(t::text, ',' order by tid)) from pgbench_tellers t
			union all select 'rows: accounts ' || count(*) from pgbench_accounts
			union all select 'rows: branches ' || count(*) from pgbench_branches
			union all select 'rows: history ' || count(*) from pgbench_history
			union all select 'rows: tellers ' || count(*) from pgbench_tellers
		) lines`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFollow(t *testing.T) {
	const said = "creating tables...\ngenerating data (client-side)...\n100000 of 400000 tuples (25%) done\r" +
		"300000 of 400000 tuples (75%) of pgbench_accounts done\r400000 of 400000 tuples (100%) done\nvacuuming...\nlast words"
	var out bytes.Buffer
	last := follow(strings.NewReader(said), newBar(&out, "loading"))
	if want := "  loading: 25 %\n  loading: 75 %\n  loading: 100 %\n  vacuuming\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
	if last != "last words" {
		t.Errorf("last line %q", last)
	}
}

func TestPgbenchFails(t *testing.T) {
	d := database(t)
	pgbench, err := d.server.Program("postgres") // refuses -i
	if err != nil {
		t.Fatal(err)
	}
	if err := d.runPgbench(t.Context(), pgbench, 1, newBar(io.Discard, "loading")); err == nil {
		t.Error("no error")
	}
}
