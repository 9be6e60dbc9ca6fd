package conformance_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"testing"
)

// keeper is a Scanner that keeps what it is given, which pgx's driver allows, and writes on it.
type keeper struct{ kept []byte }

func (k *keeper) Scan(value any) error {
	if b, ok := value.([]byte); ok {
		k.kept = b
		scribble(b[:cap(b)]) // beyond its end too, where there is room
	}
	return nil
}

// scribble writes over a value.
func scribble(b []byte) {
	for i := range b {
		b[i] = '!'
	}
}

// TestScribbling writes over every byte that was scanned, in every way to scan bytes, while the result is recorded, right
// after it, and on hits. What is read next must be as it is in the table.
func TestScribbling(t *testing.T) {
	inEveryMode(t, `
		create table texts (id int, t text, b bytea, j json, jb jsonb, x xml, v varchar, a text[], u uuid);
		insert into texts
		select n, r, r::bytea, to_json(r), to_jsonb(r), r::xml, r, array[r, r], 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
		from unnest(array[1, 10, 100, 10000]) n, repeat('x', n) r`,
		func(t *testing.T, p *pair) {
			for _, column := range []string{"t", "b", "j", "jb", "x", "v", "a", "u"} {
				t.Run(column, func(t *testing.T) {
					query := fmt.Sprintf("select %s, %[1]s, id from texts order by id", column)
					p.both(t, hits(11, 12), func(s *subject) {
						for _, scribbler := range []func(*sql.Rows) error{scribbleRaw, scribbleBytes, scribbleKept} {
							for range 2 {
								s.must(s.scribble(query, scribbler))
								s.query(s.db, query)
							}
						}
					})
				})
			}
		})
}

// scribble scans each row with a function that writes over what it gets.
func (s *subject) scribble(query string, scribbler func(*sql.Rows) error) error {
	rows, err := s.db.QueryContext(s.ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scribbler(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scribbleRaw(rows *sql.Rows) error {
	var raw, beside sql.RawBytes
	if err := rows.Scan(&raw, &beside, new(int)); err != nil {
		return err
	}
	before := string(beside)
	scribble(raw)
	if string(beside) != before {
		return fmt.Errorf("the next column became %.20q", beside)
	}
	scribble(beside)
	return nil
}

func scribbleBytes(rows *sql.Rows) error {
	var value, beside []byte
	if err := rows.Scan(&value, &beside, new(int)); err != nil {
		return err
	}
	scribble(value)
	scribble(beside)
	return nil
}

func scribbleKept(rows *sql.Rows) error {
	var value, beside keeper
	return rows.Scan(&value, &beside, new(int))
}

// TestKeptValues keeps what Scanners and []byte were given until long after the end of the result.
func TestKeptValues(t *testing.T) {
	inEveryMode(t, "create table numbers (n int, b bytea); insert into numbers select n, n::text::bytea from generate_series(1, 5000) n",
		func(t *testing.T, p *pair) {
			p.both(t, once, func(s *subject) {
				rows, err := s.db.QueryContext(s.ctx, "select n, b, b from numbers order by n")
				s.must(err)
				defer rows.Close()
				var kept [][]byte
				for rows.Next() {
					var n int
					var b []byte
					var k keeping
					s.must(rows.Scan(&n, &b, &k))
					kept = append(kept, b, k)
				}
				s.must(rows.Err())
				for i, b := range kept {
					if want := fmt.Append(nil, i/2+1); !bytes.Equal(b, want) {
						t.Fatalf("kept value %d became %q", i, b)
					}
				}
			})
		})
}

// keeping keeps what it is given.
type keeping []byte

func (k *keeping) Scan(value any) error {
	*k = value.([]byte)
	return nil
}
