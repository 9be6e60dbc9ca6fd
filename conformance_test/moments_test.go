package conformance_test

import (
	"database/sql"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// calendar has texts that PostgreSQL reads as the present when they are cast to a date or a time, and the moments' own types.
const calendar = `
	create table words (w text, d date);
	insert into words values ('today', '2024-01-01');
	create table days (day date, span daterange, at timestamptz);
	insert into days values ('2024-01-01', '[2024-01-01,2024-02-01)', '2024-01-01 00:00+00');
	create domain due as date;
	create domain relation as regclass;
	create type appointment as (w text, d date);
`

// today is an int that is sent to text columns as a word.
type today int

func (today) String() string { return "today" }

// TestMomentsAreNotKept sends texts that PostgreSQL may read as the present.
func TestMomentsAreNotKept(t *testing.T) {
	inEveryMode(t, calendar, func(t *testing.T, p *pair) {
		for _, value := range []any{
			"today", "TOMORROW", " yesterday ", []byte("today"), label("today"),
			[]string{"today"},
			pgtype.Text{String: "today", Valid: true},
			sql.RawBytes("today"), json.RawMessage("today"), today(1),
		} {
			p.both(t, never, func(s *subject) { s.query(s.db, "select $1::date from words", value) })
			p.both(t, never, func(s *subject) { s.query(s.db, "select $1::text::date from words", value) })
			p.both(t, never, func(s *subject) { s.query(s.db, "select $1::date[] from words", value) })
		}
	})
}

// TestTextsCastToMomentsAreNotKept casts texts that come from a table, or are put together, to types that read the clock.
// Tomorrow the answer is another.
func TestTextsCastToMomentsAreNotKept(t *testing.T) {
	p := open(t, database(t, calendar))
	for _, query := range []string{
		"select w::date from words", "select cast(w as timestamptz) from words", "select w::timestamp from words", "select w::due from words",
		"select ('to' || 'day')::date from words", "select coalesce(d, w::date) from words", "select d from words where d < w::date",
		"select ('{' || w || '}')::date[] from words", "select string_to_array(w, ',')::date[] from words",
		"select ('[' || w || ',)')::daterange from words", "select ('{[' || w || ',)}')::datemultirange from words",
		"select ('(,' || w || ')')::appointment from words", "select (w).date from words", "select date(w) from words", "select 'words'::text::relation from words",
	} {
		t.Run(query, func(t *testing.T) {
			p.both(t, never, func(s *subject) { s.query(s.db, query) })
		})
	}
}

// TestMomentsOfTheirOwnTypeAreKept shows that dates and times alone are no reason to keep nothing.
func TestMomentsOfTheirOwnTypeAreKept(t *testing.T) {
	p := open(t, database(t, calendar))
	for _, query := range []string{
		"select day::text from days", "select '2024-01-01'::date from days",
		"select day from days where day < date '2024-02-01'", "select span from days where span @> '2024-01-02'::date", "select upper(span) - day from days",
	} {
		t.Run(query, func(t *testing.T) {
			p.both(t, once, func(s *subject) { s.query(s.db, query) })
		})
	}
}
