package rowset

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// byteColumns hand out []byte values, which callers can write to.
var byteColumns = []pgconn.FieldDescription{
	{Name: "raw", DataTypeOID: pgtype.ByteaOID, Format: 1},
	{Name: "doc", DataTypeOID: pgtype.JSONBOID},
	{Name: "name", DataTypeOID: pgtype.TextOID},
	{Name: "hex", DataTypeOID: pgtype.ByteaOID},
}

func byteSet(tb testing.TB, rows int) *Set {
	var values [][][]byte
	for i := range rows {
		values = append(values, [][]byte{
			fmt.Appendf(nil, "raw %d", i), fmt.Appendf(nil, `{"n": %d}`, i), bytes.Repeat([]byte("x"), i%1500), []byte(`\x0102`),
		})
	}
	return build(tb, nil, byteColumns, values)
}

// A caller who writes to the bytes of one value, up to their capacity, changes no other value, no text, no later replay and
// not the Set.
func TestScribblingChangesNothingElse(t *testing.T) {
	set := byteSet(t, 400)
	before := slices.Clone(set.data)
	want := fmt.Sprint(drain(t, set.Rows(), 4))
	for name, open := range map[string]func() *Rows{
		"set":    set.Rows,
		"source": func() *Rows { return overSource(t, set, 7) },
	} {
		t.Run(name, func(t *testing.T) {
			first := drain(t, open(), 4)
			for _, row := range first {
				if got, want := row[2], string(bytes.Repeat([]byte("x"), len(row[2].(string)))); got != want {
					t.Fatalf("a text became %q", got)
				}
				for _, v := range row {
					if b, ok := v.([]byte); ok {
						scribble(t, b)
					}
				}
			}
			if !bytes.Equal(set.data, before) {
				t.Fatal("the set changed")
			}
			if got := fmt.Sprint(drain(t, open(), 4)); got != want {
				t.Fatal("the next replay changed")
			}
		})
	}
}

func scribble(tb testing.TB, b []byte) {
	tb.Helper()
	if bytes.IndexByte(b, '#') >= 0 {
		tb.Fatal("this value shares bytes with an earlier one")
	}
	b = b[:cap(b)]
	for i := range b {
		b[i] = '#'
	}
}

// One Set serves many goroutines, with decoders, plans and locations.
func TestConcurrentReplays(t *testing.T) {
	var fields []pgconn.FieldDescription
	row := [][]byte{}
	for _, s := range samples {
		fields = append(fields, s.field())
		row = append(row, s.values[0])
	}
	set := build(t, nil, fields, [][][]byte{row, row, row})
	want := replayText(set)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if got := replayText(set); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	group.Wait()
}

// replayText gives all values and errors of a replay.
func replayText(set *Set) string {
	var out bytes.Buffer
	rows := set.Rows()
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		err := rows.Next(dest)
		if err == io.EOF {
			return out.String()
		}
		fmt.Fprintln(&out, dest, err)
	}
}

// Metadata answers before the first row, after the last, after Close and for no rows at all; Next after the end keeps giving
// the end.
func TestMetadataAtAnyTime(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		set := benchmarkSet(t, threeColumns, n)
		rows := set.Rows()
		dest := make([]driver.Value, 3)
		check := func(when string) {
			t.Helper()
			if got := rows.Columns(); !slices.Equal(got, []string{"id", "name", "at"}) {
				t.Errorf("%d rows, %s: columns %q", n, when, got)
			}
			if got := rows.ColumnTypeDatabaseTypeName(2); got != "TIMESTAMPTZ" {
				t.Errorf("%d rows, %s: type %s", n, when, got)
			}
		}
		check("at the start")
		for range n {
			if err := rows.Next(dest); err != nil {
				t.Fatal(err)
			}
			check("at a row")
		}
		for _, when := range []string{"at the end", "after the end"} {
			if err := rows.Next(dest); err != io.EOF {
				t.Errorf("%d rows, %s: %v", n, when, err)
			}
			check(when)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
		check("after Close")
		if err := rows.Next(dest); err != io.EOF {
			t.Errorf("Next after Close: %v", err)
		}
	}
}

// Closed early, a replay is at its end.
func TestNextAfterEarlyClose(t *testing.T) {
	rows := benchmarkSet(t, threeColumns, 100).Rows()
	dest := make([]driver.Value, 3)
	if err := rows.Next(dest); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(rows.Close(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	if err := rows.Next(dest); err != io.EOF {
		t.Errorf("Next after Close: %v", err)
	}
}

// The names handed out are the caller's to change.
func TestColumnNamesAreTheCallers(t *testing.T) {
	set := benchmarkSet(t, threeColumns, 0)
	set.Rows().Columns()[0] = "scribbled"
	if got := set.Rows().Columns()[0]; got != "id" {
		t.Errorf("the name became %q", got)
	}
}

// An error that ends a source's result comes from Next, again and again, and from Close; the source is closed once.
func TestSourceErrors(t *testing.T) {
	set := benchmarkSet(t, threeColumns, 5)
	broken, late := errors.New("division by zero"), errors.New("late")
	for _, test := range []struct {
		name      string
		src       *pieces
		nextErr   error
		closeErr  error
		afterward error
	}{
		{"clean end", &pieces{}, io.EOF, nil, io.EOF},
		{"broken off", &pieces{err: broken}, broken, broken, broken},
		{"fails at Close", &pieces{failed: late}, io.EOF, late, late},
		{"fails twice", &pieces{err: broken, failed: late}, broken, broken, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.src.rest, test.src.rows = set.data, 2
			rows := NewRows(set.Columns(), test.src)
			dest := make([]driver.Value, 3)
			for range set.Len() {
				if err := rows.Next(dest); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if err := rows.Next(dest); err != test.nextErr {
					t.Errorf("Next: %v, want %v", err, test.nextErr)
				}
			}
			for range 2 {
				if err := rows.Close(); err != test.closeErr {
					t.Errorf("Close: %v, want %v", err, test.closeErr)
				}
			}
			if err := rows.Next(dest); err != test.afterward {
				t.Errorf("Next after Close: %v, want %v", err, test.afterward)
			}
			if test.src.closed != 1 {
				t.Errorf("the source was closed %d times", test.src.closed)
			}
		})
	}
}

// The same, held against stdlib: an error after two rows, read to the end or closed early.
func TestBrokenResultEqualsStdlib(t *testing.T) {
	recital := newRecital(t)
	recital.fail = "division by zero"
	s := sample{name: "n", oid: pgtype.Int8OID, format: 1}
	fields, values := s.column(be64(1, 2))
	set := build(t, nil, fields, values)
	for _, reads := range []int{0, 1, len(values), len(values) + 2} {
		want := recital.stdlibRows(t, fields, values)
		failure := &pgconn.PgError{Severity: "ERROR", Code: "22012", Message: recital.fail}
		src := &pieces{rest: set.data, rows: 1, err: failure, failed: failure}
		got := NewRows(set.Columns(), src)
		a, b := make([]driver.Value, 1), make([]driver.Value, 1)
		for range reads {
			wantErr, gotErr := want.Next(a), got.Next(b)
			if errorText(wantErr) != errorText(gotErr) || wantErr == nil && !identical(a[0], b[0]) {
				t.Fatalf("got %v %v, want %v %v", b, gotErr, a, wantErr)
			}
		}
		if wantErr, gotErr := want.Close(), got.Close(); errorText(wantErr) != errorText(gotErr) {
			t.Errorf("after %d rows Close gives %v, want %v", reads, gotErr, wantErr)
		}
	}
}

// A source that gives nothing is an error and not a loop.
func TestEmptyFetch(t *testing.T) {
	rows := NewRows(nil, emptySource{})
	if err := rows.Next(nil); !errors.Is(err, errNoRows) {
		t.Errorf("got %v", err)
	}
}

type emptySource struct{}

func (emptySource) Fetch() ([]byte, bool, error) { return nil, false, nil }
func (emptySource) Close() error                 { return nil }
