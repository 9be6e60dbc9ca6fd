package rowset

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// What box.go takes for granted about interface values: their size, and where the two words are.
func TestBoxLayout(t *testing.T) {
	var v driver.Value
	if unsafe.Sizeof(v) != unsafe.Sizeof(emptyInterface{}) {
		t.Fatalf("an interface value has %d bytes", unsafe.Sizeof(v))
	}
	text := "box"
	for _, test := range []struct {
		typ  uintptr
		data unsafe.Pointer
		want driver.Value
	}{
		{int64Type, unsafe.Pointer(new(int64)), int64(0)},
		{float64Type, unsafe.Pointer(new(float64)), float64(0)},
		{stringType, unsafe.Pointer(&text), text},
		{timeType, unsafe.Pointer(new(time.Time)), time.Time{}},
		{bytesType, unsafe.Pointer(&[]byte{1, 2}), []byte{1, 2}},
	} {
		point(&v, test.typ, test.data)
		if reflect.TypeOf(v) != reflect.TypeOf(test.want) || !reflect.DeepEqual(v, test.want) {
			t.Errorf("boxed %T(%v), want %T(%v)", v, v, test.want, test.want)
		}
		words := (*emptyInterface)(unsafe.Pointer(&test.want))
		if words.typ != test.typ {
			t.Errorf("%T: the compiler's type word is not ours", test.want)
		}
	}
}

// What box.go takes for granted about values in slots: each fits where it is put, and its pointer stands where the collector
// looks for one.
func TestSlotLayout(t *testing.T) {
	var s slot
	for _, test := range []struct {
		name                     string
		at, size, pointer, wants uintptr
	}{
		{"string", unsafe.Offsetof(s.first), unsafe.Sizeof(""), 0, unsafe.Offsetof(s.first)},
		{"[]byte", unsafe.Offsetof(s.first), unsafe.Sizeof([]byte(nil)), 0, unsafe.Offsetof(s.first)},
		{"number", unsafe.Offsetof(s.words), unsafe.Sizeof(uint64(0)), 0, unsafe.Offsetof(s.words)},
		{"time", unsafe.Offsetof(s.words), unsafe.Sizeof(time.Time{}), pointerOf(t, reflect.TypeFor[time.Time]()), unsafe.Offsetof(s.last)},
	} {
		if test.at+test.size > unsafe.Sizeof(s) || test.at+test.pointer != test.wants {
			t.Errorf("a %s of %d bytes at %d, its pointer at %d", test.name, test.size, test.at, test.at+test.pointer)
		}
	}
}

// pointerOf gives where the only pointer of a struct is.
func pointerOf(t *testing.T, typ reflect.Type) uintptr {
	t.Helper()
	var at []uintptr
	for field := range typ.Fields() {
		if field.Type.Kind() == reflect.Pointer {
			at = append(at, field.Offset)
		}
	}
	if len(at) != 1 {
		t.Fatalf("%v has %d pointers", typ, len(at))
	}
	return at[0]
}

// Values of every sort stay what they are in slots, when everything else is gone.
func TestValuesInSlotsStay(t *testing.T) {
	fields := []pgconn.FieldDescription{
		{DataTypeOID: pgtype.TextOID},
		{DataTypeOID: pgtype.ByteaOID, Format: 1},
		{DataTypeOID: pgtype.Float8OID, Format: 1},
		{DataTypeOID: pgtype.Int8OID, Format: 1},
		{DataTypeOID: pgtype.TimestamptzOID, Format: 1},
		{DataTypeOID: pgtype.BoolOID, Format: 1},
	}
	var kept [][]driver.Value
	for i := range 1000 {
		word := binary.BigEndian.AppendUint64(nil, uint64(i))
		text := fmt.Appendf(nil, "text %d", i)
		set := build(t, nil, fields, [][][]byte{{text, text, word, word, word, {1}}, {nil, text, nil, word, nil, {0}}})
		kept = append(kept, drain(t, set.Rows(), len(fields))...)
	}
	runtime.GC()
	for i := range 1000 {
		text := fmt.Sprintf("text %d", i)
		want := []driver.Value{
			text, []byte(text), math.Float64frombits(uint64(i)), int64(i), timeOf(int64(i)), true,
			nil, []byte(text), nil, int64(i), nil, false,
		}
		if got := slices.Concat(kept[2*i], kept[2*i+1]); !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}

// Values survive garbage collections and the end of their rows, also those in the boxes that come with Rows, and later rows
// don't change them.
func TestBoxedValuesStay(t *testing.T) {
	for _, rows := range []int{1, 3, 2000} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			set := benchmarkSet(t, threeColumns, rows)
			kept := drain(t, set.Rows(), 3)
			for range 3 {
				drain(t, set.Rows(), 3)
				runtime.GC()
			}
			for i, row := range kept {
				want := fmt.Sprint([]any{1_000_000*i + 1000, fmt.Sprint("customer ", i), timeOf(int64(1_000_000*i + 1000))})
				if got := fmt.Sprint(row); got != want {
					t.Fatalf("row %d is %s, want %s", i, got, want)
				}
			}
		})
	}
}

// A replay of many rows allocates by the block and not by the row, and one of a single row hardly at all.
func TestReplayAllocations(t *testing.T) {
	for _, test := range []struct{ rows, most int }{{0, 1}, {1, 1}, {5, 1}, {1000, 60}} {
		set := benchmarkSet(t, threeColumns, test.rows)
		dest := make([]driver.Value, 3)
		got := testing.AllocsPerRun(20, func() {
			rows := set.Rows()
			for rows.Next(dest) == nil {
			}
		})
		if got > float64(test.most) {
			t.Errorf("%d rows: %.0f allocations, want at most %d", test.rows, got, test.most)
		}
	}
}

// A value that a caller keeps, of the first row or of any other, pins a few KiB and neither the Set nor the long values beside
// it.
func TestKeptValuePinsLittle(t *testing.T) {
	fields := []pgconn.FieldDescription{
		{DataTypeOID: pgtype.TextOID}, {DataTypeOID: pgtype.ByteaOID, Format: 1}, {DataTypeOID: pgtype.ByteaOID},
	}
	for name, open := range map[string]func(*Set) *Rows{
		"set":    (*Set).Rows,
		"source": func(s *Set) *Rows { return overSource(t, s, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			const replays = 20
			kept := make([]driver.Value, 0, replays*3*3)
			before := heap()
			for range replays {
				kept = append(kept, someValues(t, open(longSet(t, fields)))...)
			}
			if held := int(heap()-before) / replays; held > 64<<10 {
				t.Errorf("%d bytes are held by the values of three rows", held)
			}
			runtime.KeepAlive(kept)
		})
	}
}

// A text that is most of its Set is a part of it and not a copy, on the first reading and on each replay. A []byte is always the
// caller's own.
func TestLargeTextIsShared(t *testing.T) {
	fields := []pgconn.FieldDescription{{DataTypeOID: pgtype.TextOID}, {DataTypeOID: pgtype.ByteaOID, Format: 1}}
	layout, err := NewLayout(fields, pgtype.NewMap())
	if err != nil {
		t.Fatal(err)
	}
	text, raw := bytes.Repeat([]byte("text"), 1<<18), bytes.Repeat([]byte("raw "), 1<<16)
	var r Recording
	r.Begin(layout)
	r.Append([][]byte{text, raw})
	set := r.Set()
	r.End(nil)
	inside := func(p *byte) bool {
		from := uintptr(unsafe.Pointer(unsafe.SliceData(set.Data())))
		at := uintptr(unsafe.Pointer(p))
		return from <= at && at < from+uintptr(len(set.Data()))
	}
	for name, rows := range map[string]*Rows{"first reading": r.Rows(t.Context(), nil), "replay": set.Rows()} {
		row := drain(t, rows, 2)[0]
		gotText, gotRaw := row[0].(string), row[1].([]byte)
		if gotText != string(text) || !bytes.Equal(gotRaw, raw) {
			t.Errorf("%s: other values", name)
		}
		if !inside(unsafe.StringData(gotText)) {
			t.Errorf("%s: the text is a copy", name)
		}
		if inside(unsafe.SliceData(gotRaw)) {
			t.Errorf("%s: the []byte is the Set's", name)
		}
	}
}

// longSet has rows with short values and rows with long ones, in turn: 2 MiB in all.
func longSet(tb failer, fields []pgconn.FieldDescription) *Set {
	short := [][]byte{[]byte("short"), []byte("short"), []byte(`\x0102`)}
	long := make([][]byte, 3)
	for i := range long {
		long[i] = bytes.Repeat([]byte("0"), 32<<10)
	}
	copy(long[2], `\x`)
	var rows [][][]byte
	for range 20 {
		rows = append(rows, short, long)
	}
	return build(tb, nil, fields, rows)
}

// someValues reads all rows and gives the short values of the first, of one in the middle and of the last but one.
func someValues(tb failer, rows *Rows) []driver.Value {
	all := drain(tb, rows, 3)
	if err := rows.Close(); err != nil {
		tb.Fatal(err)
	}
	return slices.Concat(all[0], all[20], all[len(all)-2])
}
