//go:build go1.27

package conformance_test

import (
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// lists has a column of each kind of array, and of other types that only pgx can scan into a value of their own.
const lists = `
	create type mood as enum ('sad', 'ok');
	create table lists (
		id int, i2 int2[], i4 int[], i8 int8[], f4 float4[], f8 float8[], o bool[], t text[], b bytea[], d date[], z timestamptz[],
		u uuid[], n numeric[], j jsonb[], a inet[], m mood[], iv interval, r int4range, p point, hw macaddr, js jsonb, ts tstzrange, nu numeric);
	insert into lists values
		(1, '{1,2}', '{1,-2147483648}', '{9223372036854775807}', '{1.5,NaN}', '{-0,Infinity}', '{t,f}', '{a,"b c","",NULL}',
		'{"\\x00ff","\\x"}', '{2024-02-29,infinity}', '{2024-02-29 12:00+00}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{1.50,NaN}',
		'{"{\"a\": 1}"}', '{192.168.0.1,::1/64}', '{sad,ok}', '1 day', '[1,5)', '(1,2)', '08:00:2b:01:02:03', '{"a": [1]}',
		'[2024-01-01 00:00+00,)', 1.50),
		(2, '{}', '{{1,2},{3,4}}', '{NULL}', '{}', '{}', '{NULL}', '{}', '{NULL}', '{}', '{infinity}', '{}', '{}', '{}', '{}', '{}',
		'0', 'empty', '(NaN,0)', '00:00:00:00:00:00', 'null', 'empty', 'NaN'),
		(3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`

// scans are the columns with the destinations that a program may choose for them. Not every pair fits: then the errors are
// compared.
var scans = map[string][]func() any{
	"i2": {as[[]int16], as[[]int32], as[[]int], as[[]string], as[[2]int16]},
	"i4": {as[[]int32], as[[]int64], as[[]int], as[[]uint8], as[[]*int32], as[[][]int32], as[pgtype.Array[int32]], as[pgtype.FlatArray[int64]], as[*[]int32]},
	"i8": {as[[]int64], as[[]int32], as[[]*int64], as[[]pgtype.Int8]},
	"f4": {as[[]float32], as[[]float64]},
	"f8": {as[[]float64], as[[]float32], as[[]pgtype.Float8]},
	"o":  {as[[]bool], as[[]*bool]},
	"t":  {as[[]string], as[[]*string], as[[]any], as[[]pgtype.Text], as[string], as[[]byte], as[any]},
	"b":  {as[[][]byte], as[[]string]},
	"d":  {as[[]time.Time], as[[]pgtype.Date], as[[]string]},
	"z":  {as[[]time.Time], as[[]pgtype.Timestamptz]},
	"u":  {as[[][16]byte], as[[]string], as[[]pgtype.UUID]},
	"n":  {as[[]float64], as[[]string], as[[]pgtype.Numeric]},
	"j":  {as[[]string], as[[]map[string]int], as[[][]byte]},
	"a":  {as[[]netip.Addr], as[[]netip.Prefix], as[[]string]},
	"m":  {as[[]string], as[string]},
	"iv": {as[time.Duration], as[pgtype.Interval], as[string]},
	"r":  {as[pgtype.Range[pgtype.Int4]], as[pgtype.Range[int32]], as[string]},
	"p":  {as[pgtype.Point], as[string]},
	"hw": {as[[]byte], as[string]},
	"js": {as[map[string][]int], as[struct{ A []int }], as[[]byte], as[string], as[any]},
	"ts": {as[pgtype.Range[time.Time]], as[string]},
	"nu": {as[float64], as[string], as[pgtype.Numeric], as[*float64]},
}

// as makes something to scan into.
func as[T any]() any { return new(T) }

// TestScanDirectly scans what database/sql before Go 1.27 could not: from rows that are passed on, from a miss, and from a
// hit.
func TestScanDirectly(t *testing.T) {
	inEveryMode(t, lists, func(t *testing.T, p *pair) {
		for column, destinations := range scans {
			t.Run(column, func(t *testing.T) {
				for _, query := range []string{"select %s, id from lists order by id", "select %s, id from lists order by id for update"} {
					p.both(t, whatever, func(s *subject) {
						for _, destination := range destinations {
							s.scanColumn(fmt.Sprintf(query, column), destination)
						}
					})
				}
			})
		}
	})
}

// TestScanDirectlyIsCached shows that the second run of the test above was served from the cache.
func TestScanDirectlyIsCached(t *testing.T) {
	inEveryMode(t, lists, func(t *testing.T, p *pair) {
		seen := p.both(t, once, func(s *subject) { s.scanColumn("select i4, id from lists where id < 2", as[[]int32]) })
		if !strings.Contains(seen, "[]int32[int32(1) int32(-2147483648) ]") {
			t.Errorf("pgx gives no slice, but %s", seen)
		}
		p.both(t, never, func(s *subject) { s.scanColumn("select i4, id from lists where id < 2 for update", as[[]int32]) })
	})
}

// scanColumn scans the first column of each row into a new destination, twice, and between that the second column.
func (s *subject) scanColumn(query string, destination func() any) {
	rows, err := s.db.QueryContext(s.ctx, query)
	s.must(err)
	defer rows.Close()
	s.columns(rows)
	for rows.Next() {
		first, second, id := destination(), destination(), 0
		err := rows.Scan(first, &id)
		s.saw(fmt.Sprintf("row %d", id), first, err)
		err = rows.Scan(second, &id)
		s.saw(fmt.Sprintf("row %d", id), second, err)
	}
	s.notef("ended: %s", describeError(rows.Err()))
}

// TestScribblingOnScanned writes over bytes that were scanned into slices of slices. What is read next must be as it is in
// the table.
func TestScribblingOnScanned(t *testing.T) {
	inEveryMode(t, lists, func(t *testing.T, p *pair) {
		p.both(t, hits(3, 4), func(s *subject) {
			for range 2 {
				s.must(s.scribble("select b, j, js, id from lists where id = 1", scribbleLists))
				s.query(s.db, "select b, j, js, id from lists where id = 1")
			}
		})
	})
}

func scribbleLists(rows *sql.Rows) error {
	var lists, texts [][]byte
	var text []byte
	if err := rows.Scan(&lists, &texts, &text, new(int)); err != nil {
		return err
	}
	for _, b := range append(append(lists, texts...), text) {
		scribble(b)
	}
	return nil
}
