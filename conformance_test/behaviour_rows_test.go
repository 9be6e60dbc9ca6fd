package conformance_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"
)

// shop is what the tests of behaviour work on.
const shop = `
	create table items (id int primary key, name text not null, price numeric(10,2) check (price >= 0), made timestamptz, raw bytea);
	insert into items values
		(1, 'one', 1.50, '2024-02-29 12:00+00', '\x01ff'),
		(2, 'two', null, 'infinity', ''),
		(3, '', 0, null, null);
	create table orders (id serial primary key, item int references items, note text);
`

// TestResults runs queries whose results are out of the ordinary.
func TestResults(t *testing.T) {
	tests := []struct {
		name, sql string
		want      served
		sees      string // is in what pgx shows
	}{
		{"rows", "select * from items order by id", once, `string("two")`},
		{"no rows", "select * from items where id < 0", once, "ended: none"},
		{"no columns", "select from items", once, "row []interface {}[], error: none"},
		{"no rows and no columns", "select from items where id < 0", once, "columns []"},
		{"one name twice", "select id, id, name as id from items order by 1", once, `columns ["id" "id" "id"]`},
		{"no name", "select id + 1, -id, price is null from items order by 1", once, `"?column?"`},
		{"a long name", "select id as " + strings.Repeat("long", 20) + " from items order by 1", once, strings.Repeat("long", 15)},
		{"a name that needs quotes", `select id as "Ünï "" code" from items order by 1`, once, "Ünï"},
		{"constants", "select 'text', null, 1, 1.5, true, 10000000000 from items", once, `string("text")`},
		{"no table", "select 1", once, "int64(1)"},
		{"VALUES", "values (1, 'a'), (2, null)", once, `"column1"`},
		{"TABLE", "table items", once, `string("two")`},
		{"a whole row", "select i from items i order by id", once, `(1,one,1.50,`},
		{"an aggregate", "select count(*), sum(price), array_agg(name order by id) from items", once, `string("1.50")`},
		{"a lock", "select id from items order by id for update", never, "int64(3)"},
		{"a system column", "select tableoid::regclass::text, id from items order by id", never, `string("items")`},
		{"the clock", "select now() is not null from items", never, "bool(true)"},
		{"a catalog", "select relname from pg_class where relname = 'items'", never, `string("items")`},
		{"void", "select pg_advisory_unlock_all()", never, `string("")`},
		{"SHOW", "show server_encoding", never, `"server_encoding"`},
		{"EXPLAIN", "explain (costs off) select * from items", never, "Seq Scan"},
		{"a write that returns rows", "update items set name = name where id = 1 returning id, name", never, `string("one")`},
		{"many rows", "select g, g::text || 'x' from generate_series(1, 3000) g", once, `string("3000x")`},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				seen := p.both(t, test.want, func(s *subject) { s.query(s.db, test.sql) })
				if !strings.Contains(seen, test.sees) {
					t.Errorf("pgx doesn't show %s, but %.1000s", test.sees, seen)
				}
			})
		}
	})
}

// TestPartialReading calls the methods of rows out of their usual order.
func TestPartialReading(t *testing.T) {
	const query = "select id, name from items order by id"
	tests := []struct {
		name string
		read func(s *subject, rows *sql.Rows)
	}{
		{"not at all", func(*subject, *sql.Rows) {}},
		{"closed at once", func(s *subject, rows *sql.Rows) { s.notef("%s", describeError(rows.Close())) }},
		{"one row", func(s *subject, rows *sql.Rows) { s.notef("%t", rows.Next()); s.row(rows) }},
		{"a row twice", func(s *subject, rows *sql.Rows) { s.notef("%t", rows.Next()); s.row(rows); s.row(rows) }},
		{"a row without a look", func(s *subject, rows *sql.Rows) { s.notef("%t %t", rows.Next(), rows.Next()); s.row(rows) }},
		{"before the first", func(s *subject, rows *sql.Rows) { s.row(rows) }},
		{"another result in the middle", func(s *subject, rows *sql.Rows) {
			s.notef("%t", rows.Next())
			s.notef("%t", rows.NextResultSet())
			s.notef("%t", rows.Next())
		}},
		{"beyond the last", func(s *subject, rows *sql.Rows) {
			for rows.Next() { // all of them
			}
			s.row(rows)
			s.notef("%t", rows.Next())
		}},
		{"into too few values", func(s *subject, rows *sql.Rows) {
			var id int
			s.notef("%t", rows.Next())
			s.saw("id", id, rows.Scan(&id))
		}},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				p.both(t, once, func(s *subject) {
					rows, err := s.db.QueryContext(s.ctx, query)
					s.must(err)
					defer rows.Close()
					test.read(s, rows)
					s.columns(rows)
					s.notef("closed: %s", describeError(rows.Close()))
					s.notef("closed again: %s", describeError(rows.Close()))
					s.columns(rows)
					s.row(rows)
					s.notef("next %t, error: %s", rows.Next(), describeError(rows.Err()))
				})
			})
		}
	})
}

// TestQueryRow reads single rows, the one that there isn't included.
func TestQueryRow(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		seen := p.both(t, hits(0, 4), func(s *subject) {
			s.one(s.db, new(string), "select name from items where id = 1")
			s.one(s.db, new(string), "select name from items where id = -1")
			s.one(s.db, new(string), "select name from items order by id")
			s.one(s.db, new(string), "select id, name from items")
		})
		if !strings.Contains(seen, sql.ErrNoRows.Error()) {
			t.Errorf("pgx gives no sql.ErrNoRows: %s", seen)
		}
		p.both(t, never, func(s *subject) { s.one(s.db, new(string), "selec") })
	})
}

// TestScanInto scans each kind of column into each kind of destination: many of them fail, and have to do so in the same
// words.
func TestScanInto(t *testing.T) {
	columns := []string{"id", "name", "price", "made", "raw", "id > 1", "price::float8", "made::date", "null"}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, column := range columns {
			t.Run(column, func(t *testing.T) {
				query := "select " + column + " from items order by items.id"
				seen := p.both(t, whatever, func(s *subject) {
					for _, dest := range destinations() {
						s.scanInto(query, dest)
					}
				})
				if !strings.Contains(seen, "error: none") || !strings.Contains(seen, `error: "sql: Scan error`) {
					t.Errorf("pgx gives only values, or only errors: %.1000s", seen)
				}
			})
		}
	})
}

// destinations makes a new value of each kind to scan into. There is no struct among them: from Go 1.27 on pgx's error on
// NULL has one of two texts, by chance.
func destinations() []any {
	return []any{
		new(any), new(bool), new(int), new(int8), new(uint32), new(float32), new(float64), new(string), new([]byte),
		new(sql.RawBytes), new(time.Time), new(*string), new(*int64), new(sql.NullString), new(sql.NullInt16), new(sql.NullTime),
		new(sql.NullBool), new(sql.Null[float64]), new(sql.Null[[]byte]), new([]int), 0, nil,
	}
}

// scanInto scans every row of a query into one destination.
func (s *subject) scanInto(query string, dest any) {
	rows, err := s.db.QueryContext(s.ctx, query)
	s.must(err)
	defer rows.Close()
	for rows.Next() {
		err := rows.Scan(dest)
		s.saw(query, dest, err)
	}
	s.notef("ended: %s", describeError(rows.Err()))
}
