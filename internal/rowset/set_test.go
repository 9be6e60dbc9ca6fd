package rowset

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

func TestBuilderCounts(t *testing.T) {
	b := NewBuilder(Table([]string{"a", "b"}, nil).Columns())
	row := [][]byte{[]byte("xyz"), nil}
	for n := range 3 {
		if b.RowCount() != n || b.Len() != n*RowSize(row) {
			t.Errorf("%d rows and %d bytes, want %d and %d", b.RowCount(), b.Len(), n, n*RowSize(row))
		}
		if err := b.Append(row); err != nil {
			t.Fatal(err)
		}
	}
	set := b.Set()
	if set.Len() != 3 || set.WireSize() != 3*(4+4+3+4) {
		t.Errorf("a set of %d rows and %d bytes", set.Len(), set.WireSize())
	}
	if b.RowCount() != 0 || b.Len() != 0 {
		t.Error("the builder is not empty afterwards")
	}
}

func TestBuilderRefusesRaggedRows(t *testing.T) {
	b := NewBuilder(Table([]string{"a", "b"}, nil).Columns())
	for _, row := range [][][]byte{nil, {nil}, {nil, nil, nil}} {
		if err := b.Append(row); !errors.Is(err, ErrRowWidth) {
			t.Errorf("%d values: %v", len(row), err)
		}
	}
	if b.RowCount() != 0 || b.Len() != 0 {
		t.Error("a refused row was kept")
	}
}

// The builder copies what it is given: pgx reads the next row into the same memory.
func TestBuilderCopies(t *testing.T) {
	b := NewBuilder(Table([]string{"a"}, nil).Columns())
	value := []byte("before")
	if err := b.Append([][]byte{value}); err != nil {
		t.Fatal(err)
	}
	copy(value, "after!")
	if got := drain(t, b.Set().Rows(), 1)[0][0]; got != "before" {
		t.Errorf("got %q", got)
	}
}

// Set keeps no room for growth, and Size tells the heap within a tenth, or nearly where the race detector
// keeps the allocator from packing short texts.
func TestSizeIsTheHeap(t *testing.T) {
	for _, test := range []struct {
		name string
		rows int
		sets int
	}{{"one row", 1, 4000}, {"hundred rows", 100, 500}, {"many rows", 20_000, 5}} {
		t.Run(test.name, func(t *testing.T) {
			kept := make([]*Set, test.sets)
			encoded := benchmarkSet(t, threeColumns, test.rows).AppendEncoded(nil)
			before := heap()
			for i := range kept {
				set, err := Decode(encoded)
				if err != nil {
					t.Fatal(err)
				}
				kept[i] = set
			}
			held := float64(heap()-before) / float64(test.sets)
			size := float64(kept[0].Size())
			runtime.KeepAlive(kept)
			runtime.KeepAlive(encoded)
			if size < held*0.85 || size > held*1.1 {
				t.Errorf("Size is %.0f, the heap grew by %.0f", size, held)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestTrim(t *testing.T) {
	for _, rows := range []int{0, 1, 10, 1000, 12345} {
		set := benchmarkSet(t, threeColumns, rows)
		if slack := cap(set.data) - len(set.data); slack > len(set.data)/8+16 {
			t.Errorf("%d rows: %d bytes of slack in %d", rows, slack, len(set.data))
		}
	}
}

func TestTable(t *testing.T) {
	set := Table([]string{"name", "value"}, [][]string{{"hits", "3"}, {"short"}, {"a", "b", "beyond"}, {}})
	want := [][]any{{"hits", "3"}, {"short", nil}, {"a", "b"}, {nil, nil}}
	got := drain(t, set.Rows(), 2)
	for i := range want {
		for j := range want[i] {
			if got[i][j] != want[i][j] {
				t.Errorf("row %d column %d is %v, want %v", i, j, got[i][j], want[i][j])
			}
		}
	}
	if set.Len() != len(want) {
		t.Errorf("%d rows", set.Len())
	}
	recital := newRecital(t)
	fields := []pgconn.FieldDescription{
		{Name: "name", DataTypeOID: pgtype.TextOID, DataTypeSize: -1, TypeModifier: -1},
		{Name: "value", DataTypeOID: pgtype.TextOID, DataTypeSize: -1, TypeModifier: -1},
	}
	rows := [][][]byte{texts("hits", "3"), {[]byte("short"), nil}, texts("a", "b"), {nil, nil}}
	requireSame(t, recital.stdlibRows(t, fields, rows), set.Rows())
}

// Columns refuses what a replay could not repeat, and nothing else.
func TestColumnsChecksCodecs(t *testing.T) {
	type foreign struct{ pgtype.Int8Codec }
	same := func(v any) ([]byte, error) { return nil, nil }
	for _, test := range []struct {
		name   string
		typ    *pgtype.Type
		format int16
		ok     bool
	}{
		{"pgx's own by pointer", &pgtype.Type{Name: "int8", OID: pgtype.Int8OID, Codec: &pgtype.Int8Codec{}}, 1, true},
		{"a foreign int8", &pgtype.Type{Name: "int8", OID: pgtype.Int8OID, Codec: foreign{}}, 1, false},
		{"a foreign int8 as text", &pgtype.Type{Name: "int8", OID: pgtype.Int8OID, Codec: foreign{}}, 0, false},
		{"another of pgx's codecs", &pgtype.Type{Name: "date", OID: pgtype.DateOID, Codec: pgtype.TextCodec{}}, 0, false},
		{"json with functions", &pgtype.Type{Name: "json", OID: pgtype.JSONOID, Codec: &pgtype.JSONCodec{Marshal: same}}, 0, true},
		{"jsonb with functions", &pgtype.Type{Name: "jsonb", OID: pgtype.JSONBOID, Codec: &pgtype.JSONBCodec{Marshal: same}}, 0, true},
		{"a foreign text", &pgtype.Type{Name: "text", OID: pgtype.TextOID, Codec: foreign{}}, 0, true},
		{"a foreign binary text", &pgtype.Type{Name: "text", OID: pgtype.TextOID, Codec: foreign{}}, 1, false},
		{"an enum", &pgtype.Type{Name: "mood", OID: 16999, Codec: &pgtype.EnumCodec{}}, 0, true},
		{"a binary enum", &pgtype.Type{Name: "mood", OID: 16999, Codec: &pgtype.EnumCodec{}}, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := pgtype.NewMap()
			m.RegisterType(test.typ)
			_, err := Columns([]pgconn.FieldDescription{{Name: "c", DataTypeOID: test.typ.OID, Format: test.format}}, m)
			var refused *CodecError
			if test.ok != (err == nil) || err != nil && !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if refused != nil && (refused.Column != "c" || refused.OID != test.typ.OID || refused.Codec != test.typ.Codec) {
				t.Errorf("got %+v", refused)
			}
		})
	}
	if _, err := Columns([]pgconn.FieldDescription{{DataTypeOID: 16999, Format: 1}}, nil); err == nil {
		t.Error("a binary value of an unknown type was accepted")
	}
}

func TestColumnsKeepLocations(t *testing.T) {
	m := pgtype.NewMap()
	m.RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
	fields := []pgconn.FieldDescription{{DataTypeOID: pgtype.TimestamptzOID}, {DataTypeOID: pgtype.TimestampOID}}
	columns, err := Columns(fields, m)
	if err != nil {
		t.Fatal(err)
	}
	if columns[0].Location != time.UTC || columns[1].Location != nil {
		t.Errorf("locations %v and %v", columns[0].Location, columns[1].Location)
	}
}

func TestRowFormat(t *testing.T) {
	got := AppendRow([]byte("before"), [][]byte{[]byte("ab"), nil, {}})
	want := []byte("before\x00\x00\x00\x0e\x00\x00\x00\x02ab\xff\xff\xff\xff\x00\x00\x00\x00")
	if !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	two := slices.Concat(want[6:], want[6:])
	if n, rows := cutRun(two, 1); n != 18 || rows != 1 {
		t.Errorf("cut %d bytes, %d rows", n, rows)
	}
	if n, rows := cutRun(two[:35], 100); n != 18 || rows != 1 {
		t.Errorf("cut %d bytes, %d rows of a broken end", n, rows)
	}
}
