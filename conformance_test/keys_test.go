package conformance_test

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Types whose values one might take for each other.
type (
	wordA struct{ text string }
	wordB struct{ text string }
	// spoken is an int that is sent to text columns as a word.
	spoken int
)

func (w wordA) Value() (driver.Value, error) { return "A" + w.text, nil }
func (w wordB) Value() (driver.Value, error) { return "B" + w.text, nil }
func (s spoken) String() string              { return "spoken " + strconv.Itoa(int(s)) }

// TestKeysApart asks for one text with arguments that are easily mixed up, one after the other. The answers of pgx say
// whether they have to differ: each must come back, from PostgreSQL first and then from the cache.
func TestKeysApart(t *testing.T) {
	utc := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, sql string
		arguments [][]any
	}{
		{"where one text ends", "select $1::text, $2::text from items", [][]any{{"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}}},
		{"texts with separators", "select $1::text, $2::text from items", [][]any{{"a,b", "c"}, {"a", "b,c"}, {"a\x01", "b"}, {"a", "\x01b"}, {`a"`, "b"}, {"a", `"b`}}},
		{"texts with every byte between them", "select $1::text, $2::text from items", joints()},
		{"nothing, zero and empty", "select $1::text from items", [][]any{{nil}, {0}, {""}, {"0"}, {false}, {[]byte{}}, {[]byte(nil)}, {(*string)(nil)}, {new("")}, {"NULL"}, {"<nil>"}}},
		{"NULL and zero", "select $1::int is null from items", [][]any{{nil}, {0}, {(*int)(nil)}, {new(0)}, {sql.NullInt64{}}, {sql.NullInt64{Valid: true}}}},
		{"number and text", "select $1::text from items", [][]any{{1}, {"1"}, {int64(1)}, {1.0}, {true}, {"true"}, {'1'}, {[]byte("1")}}},
		{"addresses", "select $1::inet from items", [][]any{{netip.MustParseAddr("10.0.0.1")}, {netip.MustParseAddr("10.0.0.2")}, {netip.MustParseAddr("::1")}, {netip.MustParseAddr("::ffff:10.0.0.1")}}},
		{"networks", "select $1::inet from items", [][]any{{netip.MustParsePrefix("10.0.0.0/8")}, {netip.MustParsePrefix("10.0.0.0/9")}, {netip.MustParseAddr("10.0.0.0")}}},
		{"letter case", "select $1::text from items", [][]any{{"Word"}, {"word"}, {"WORD"}}},
		{"blanks", "select $1::text from items", [][]any{{"word"}, {"word "}, {" word"}, {"word\x00"}}},
		{"instants as timestamp", "select $1::timestamp from items", [][]any{{utc}, {utc.In(kathmandu)}, {utc.In(time.FixedZone("", 3600))}, {utc.Add(time.Microsecond)}}},
		{"instants as timestamptz", "select $1::timestamptz, $1::timestamptz::text from items", [][]any{{utc}, {utc.In(kathmandu)}, {utc.Add(time.Hour)}, {utc.In(time.Local)}}},
		{"instants as text", "select $1::text from items", [][]any{{utc}, {utc.In(kathmandu)}, {utc.In(time.FixedZone("", 3601))}}},
		{"floats", "select $1::float8 from items", [][]any{{0.0}, {negativeZero()}, {float32(0.1)}, {0.1}, {1e-300}}},
		{"zeros", "select $1::text from items", [][]any{{0.0}, {negativeZero()}, {float32(0)}}},
		{"lists", "select $1::text[] from items", [][]any{{[]string{"ab", "c"}}, {[]string{"a", "bc"}}, {[]string{"a", "b", "c"}}, {[]string{}}, {[]string(nil)}, {[]string{""}}, {"{}"}}},
		{"lists of bytes", "select $1::bytea[] from items", [][]any{{[][]byte{nil}}, {[][]byte{{}}}, {[][]byte{}}, {[][]byte{{0}, {}}}, {[][]byte{{}, {0}}}}},
		{"bytes and text", "select $1::text from items", [][]any{{[]byte("abc")}, {"abc"}, {json.RawMessage("abc")}, {`\x616263`}}},
		{"types of a program", "select $1::text from items", [][]any{{wordA{"x"}}, {wordB{"x"}}, {"Ax"}, {&wordA{"x"}}, {wordA{"y"}}}},
		{"a type with a String method", "select $1::text from items", [][]any{{spoken(1)}, {1}, {"1"}, {"spoken 1"}}},
		{"modes", "select $1::text from items", [][]any{{pgx.QueryExecModeExec, []byte("abc")}, {pgx.QueryExecModeSimpleProtocol, []byte("abc")}, {pgx.QueryExecModeCacheStatement, []byte("abc")}, {[]byte("abc")}}},
		{"result formats", "select 1.50::numeric, $1::text from items", [][]any{{"x"}, {pgx.QueryResultFormats{1, 0}, "x"}, {pgx.QueryResultFormats{0, 0}, "x"}}},
		{"named arguments", "select @a::text, @b::text from items", [][]any{{pgx.NamedArgs{"a": "1", "b": "2"}}, {pgx.NamedArgs{"a": "2", "b": "1"}}, {pgx.NamedArgs{"a": "12", "b": ""}}}},
		{"durations", "select $1::interval from items", [][]any{{time.Second}, {time.Millisecond}, {"1"}}},
		{"structs as json", "select $1::jsonb from items", [][]any{{struct{ A int }{1}}, {struct{ A int }{2}}, {map[string]int{"A": 1}}, {map[string]int{"A": 3}}}},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				p.both(t, whatever, func(s *subject) {
					for _, args := range test.arguments {
						s.query(s.db, test.sql, args...)
					}
				})
			})
		}
	})
}

// joints gives pairs of texts that are the same when they are joined by any one byte, such as one that stands for a type.
func joints() (pairs [][]any) {
	for c := byte(1); c < 128; c++ {
		pairs = append(pairs, []any{"x" + string(rune(c)), "y"}, []any{"x", string(rune(c)) + "y"})
	}
	return pairs
}

func negativeZero() float64 { zero := 0.0; return -zero }

// TestTextsApart asks for texts that are easily mixed up.
func TestTextsApart(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, hits(0, 9), func(s *subject) {
			for _, query := range []string{
				"select 'word' from items", "select 'Word' from items", "select 'word ' from items", "SELECT 'word' FROM items",
				"select 'wo'\n'rd' from items", "select 'word' as \"Word\" from items", "select 'word' as word from items",
				"select 'wo--rd' from items", "select 'wo/* */rd' from items",
			} {
				s.query(s.db, query)
			}
		})
	})
}

// TestArgumentsThatChange sends one pointer and one slice whose contents are others each time.
func TestArgumentsThatChange(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			number, list := 1, []int32{1}
			for range 3 {
				s.query(s.db, "select $1::int, $2::int[] from items", &number, list)
				number++
				list[0]++
			}
		})
	})
}

// TestSessionsApart asks for one text in databases opened with other parameters, and on pinned connections that were given
// other settings, of one sql.DB.
func TestSessionsApart(t *testing.T) {
	const setup = shop + `
		create schema other;
		create table other.items (id int, name text);
		insert into other.items values (7, 'other');
		create table moments (span tstzrange);
		insert into moments values ('[2024-07-01 12:00+00,)');
	`
	dsn := database(t, setup)
	for _, param := range []string{
		"search_path=other", "search_path=other,public", "timezone=Asia/Tokyo", "timezone=UTC", "application_name=a",
		"options=-c search_path=other", "options=-c timezone=Asia/Tokyo",
	} {
		t.Run(param, func(t *testing.T) {
			p := open(t, dsn, param)
			p.both(t, hits(0, 2), func(s *subject) {
				s.query(s.db, "select id, name from items")
				s.query(s.db, "select * from public.moments")
			})
		})
	}
	t.Run("pinned", func(t *testing.T) {
		open(t, dsn).both(t, hits(0, 10), func(s *subject) {
			for _, set := range []string{"search_path to other", "search_path to other, public", "timezone to 'Asia/Tokyo'", "timezone to 'UTC'", "datestyle to 'German'"} {
				s.onConn(func(conn *sql.Conn) {
					s.do(conn, "set "+set)
					s.query(conn, "select id, name from items")
					s.query(conn, "select * from public.moments")
					s.do(conn, "reset all")
				})
			}
		})
	})
}

// TestUsersAndDatabasesApart pins connections of one sql.DB that is other users, and opens other databases on one server.
func TestUsersAndDatabasesApart(t *testing.T) {
	grant := shop + "grant select on items to pg_read_all_stats;"
	first, second := open(t, database(t, grant)), open(t, database(t, shop+"update items set name = 'second'"))
	const query = "select id, name from items order by id"
	for range 2 {
		first.both(t, hits(1, 4), func(s *subject) {
			for _, role := range []string{"pg_read_all_stats", "pg_monitor", "none"} {
				s.onConn(func(conn *sql.Conn) {
					s.do(conn, "set role "+role)
					s.query(conn, query)
					s.do(conn, "reset role")
				})
			}
			s.query(s.db, query)
		})
		second.both(t, once, func(s *subject) { s.query(s.db, query) })
	}
}
