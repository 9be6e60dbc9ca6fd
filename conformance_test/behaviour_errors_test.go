package conformance_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestErrors runs what PostgreSQL or pgx refuses. Nothing of it may be kept, whether it fails before the first row or after.
func TestErrors(t *testing.T) {
	tests := []struct {
		name, sql string
		args      []any
		sees      string // is in what pgx shows
	}{
		{"syntax", "selec id from items", nil, "Code:42601"},
		{"an unfinished string", "select 'abc", nil, "Code:42601"},
		{"no such table", "select * from nothing", nil, "Code:42P01"},
		{"no such column", "select nothing from items", nil, "Code:42703"},
		{"no such function", "select nothing(id) from items", nil, "Code:42883"},
		{"no statement", "", nil, "columns []"},
		{"a comment only", "-- nothing", nil, "columns []"},
		{"two statements", "select 1; select 2", nil, ""}, // the simple protocol runs both
		{"in the first row", "select 1/(id - 1) from items order by id", nil, "Code:22012"},
		{"in the second row", "select 1/(2 - id) from items order by id", nil, "Code:22012"},
		{"in the second row, without a table", "select 1/(2-g) from generate_series(1,3) g", nil, "Code:22012"},
		{"after many rows", "select 1/(2500-g), g from generate_series(1, 3000) g", nil, "Code:22012"},
		{"a cast", "select name::int from items", nil, "Code:22P02"},
		{"two rows for one", "select (select id from items) from items", nil, "Code:21000"},
		{"an argument that is no number", "select id from items where id = $1", []any{"x"}, "failed: "},
		{"an argument out of range", "select id from items where id = $1", []any{int64(1) << 40}, "failed: "},
		{"an argument that nothing encodes", "select id from items where id = $1", []any{make(chan int)}, "failed: "},
		{"too few arguments", "select id from items where id = $1 or id = $2", []any{1}, "failed: "},
		{"too many arguments", "select id from items where id = $1", []any{1, 2}, "failed: "},
		{"arguments without a place", "select id from items", []any{1}, "failed: "},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				seen := p.both(t, never, func(s *subject) {
					s.query(s.db, test.sql, test.args...)
					s.query(s.db, test.sql, test.args...)
				})
				if !strings.Contains(seen, test.sees) {
					t.Errorf("pgx doesn't show %s, but %.1000s", test.sees, seen)
				}
			})
		}
	})
}

// TestRowsBeforeAnError sees that what came before the error arrives.
func TestRowsBeforeAnError(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		seen := p.both(t, never, func(s *subject) { s.query(s.db, "select 1/(2-g) from generate_series(1,3) g") })
		if strings.Count(seen, "\nrow ") != 1 || !strings.Contains(seen, `ended: "ERROR: division by zero`) {
			t.Errorf("pgx doesn't give one row and then the error: %s", seen)
		}
	})
}

// TestExec runs statements that change something, or fail to. Each undoes what it does.
func TestExec(t *testing.T) {
	tests := []struct{ name, sql, sees string }{
		{"a duplicate key", "insert into items values (1, 'again')", "Code:23505"},
		{"NULL where none may be", "insert into items values (9, null)", "Code:23502"},
		{"a check", "update items set price = -1", "Code:23514"},
		{"a foreign key", "insert into orders (item) values (99)", "Code:23503"},
		{"too large a number", "update items set price = 1e20", "Code:22003"},
		{"rows that are not there", "delete from items where id = 99", "affected 0"},
		{"several rows", "update items set name = name", "affected 3"},
		{"a query", "select * from items", "affected 3"},
		{"a DO block that raises", "do $$ begin raise exception 'own error' using errcode = 'PC001', detail = 'd', hint = 'h'; end $$", "Code:PC001"},
		{"a table", "create table passing (id int); drop table passing", ""}, // one statement only in most modes
		{"a comment", "comment on table items is 'items'", "affected 0"},
		{"nothing", "", "affected 0"},
		{"syntax", "insert items", "Code:42601"},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				seen := p.both(t, never, func(s *subject) { s.exec(s.db, test.sql) })
				if !strings.Contains(seen, test.sees) {
					t.Errorf("pgx doesn't show %s, but %.1000s", test.sees, seen)
				}
			})
		}
	})
}

// TestPgErrorIsReachable finds PostgreSQL's own error behind what database/sql gives, for a failed fill too.
func TestPgErrorIsReachable(t *testing.T) {
	p := open(t, database(t, shop))
	for _, query := range []string{"select 1/(2 - id) from items order by id", "select nothing from items", "delete from items where id = 'x'"} {
		rows, err := p.cached.QueryContext(t.Context(), query)
		if err == nil {
			for rows.Next() { // up to the error
			}
			err = rows.Err()
			rows.Close()
		}
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) || refusal.Code == "" {
			t.Errorf("%s: no *pgconn.PgError in %v", query, err)
		}
	}
}
