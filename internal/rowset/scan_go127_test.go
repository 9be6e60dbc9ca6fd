//go:build go1.27

package rowset

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

type (
	namedText    string
	namedNumber  int16
	namedTime    time.Time
	pointerCycle *pointerCycle
	document     struct{ N int }
)

// destinations makes one of everything that programs scan into, and of much that they shouldn't.
func destinations() []any {
	return []any{
		new(string), new(int), new(int8), new(int16), new(int32), new(int64), new(uint8), new(uint32), new(uint64),
		new(float32), new(float64), new(bool), new(any), new([]byte), new(sql.RawBytes), new(time.Time),
		new(*string), new(*int64), new(*time.Time), new(*any), new(**int32),
		new(namedText), new(namedNumber), new(namedTime),
		new(sql.NullString), new(sql.NullInt64), new(sql.NullTime), new(sql.Null[float64]), new(*sql.NullBool),
		new(pgtype.Int8), new(pgtype.Text), new(pgtype.Timestamptz), new(pgtype.Date), new(pgtype.Numeric), new(pgtype.UUID),
		new([]string), new([]int64), new([]int32), new(*[]string), new([2]int64), new(map[string]any), new(document),
		new(pgtype.FlatArray[int64]), new(pgtype.Array[string]), new(pgtype.Range[pgtype.Int4]),
		new(pgtype.PreallocBytes), new(pgtype.DriverBytes), new(pgtype.UndecodedBytes),
		new(uintptr), new(complex128), new(chan int), new(func()),
		nil, "no pointer", 7, (*string)(nil), (*int64)(nil), (*[]int64)(nil), (*sql.NullString)(nil),
	}
}

// Every value scanned into every destination gives what stdlib gives, twice over.
func TestScanColumnEqualsStdlib(t *testing.T) {
	recital := newRecital(t)
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			fields, rows := s.column(s.values)
			set := build(t, nil, fields, rows)
			for _, open := range []func() *Rows{set.Rows, func() *Rows { return overSource(t, set, 2) }} {
				want := recital.stdlibRows(t, fields, rows)
				requireSameScans(t, want, open())
			}
		})
	}
}

func requireSameScans(t *testing.T, wantRows driver.Rows, got *Rows) {
	t.Helper()
	defer wantRows.Close()
	want := wantRows.(driver.RowsColumnScanner)
	for row := 0; ; row++ {
		wantErr, gotErr := want.NextRow(), got.NextRow()
		if wantErr != gotErr {
			t.Fatalf("row %d: %v, want %v", row, gotErr, wantErr)
		}
		if wantErr == io.EOF {
			return
		}
		for range 2 {
			a, b := destinations(), destinations()
			for i := range a {
				if got.cursor.value(0) == nil && a[i] != nil && !convertible(reflect.TypeOf(a[i])) {
					continue // pgx tries its types in no order until one takes the NULL: its own answers vary
				}
				wantErr := scanOrPanic(want, a[i])
				gotErr := scanOrPanic(got, b[i])
				if errorText(wantErr) != errorText(gotErr) {
					t.Fatalf("row %d into %T: error %v, want %v", row, a[i], gotErr, wantErr)
				}
				if x, y := render(reflect.ValueOf(a[i])), render(reflect.ValueOf(b[i])); x != y {
					t.Fatalf("row %d into %T: %s, want %s", row, a[i], y, x)
				}
			}
		}
	}
}

func scanOrPanic(rows driver.RowsColumnScanner, dest any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return rows.ScanColumn(driver.ScanContext{}, 0, dest)
}

// render shows what a destination holds, through all pointers.
func render(v reflect.Value) string {
	var path strings.Builder
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil() {
		path.WriteString(v.Type().String() + " ")
		v = v.Elem()
	}
	if !v.IsValid() {
		return "nothing"
	}
	return fmt.Sprintf("%s%s %#v", path.String(), v.Type(), v)
}

// NULL goes into a destination of pgx's kind that fits the column.
func TestScanNullIntoNative(t *testing.T) {
	fields := []pgconn.FieldDescription{{Name: "a", DataTypeOID: pgtype.Int8ArrayOID}}
	rows := build(t, nil, fields, [][][]byte{{nil}}).Rows()
	if err := rows.NextRow(); err != nil {
		t.Fatal(err)
	}
	got := []int64{1}
	if err := rows.ScanColumn(driver.ScanContext{}, 0, &got); err != nil || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

// A pointer type without an end is nobody's destination.
func TestPointerCycleIsNotConvertible(t *testing.T) {
	if convertible(reflect.TypeFor[*pointerCycle]()) {
		t.Error("convertible")
	}
}

// Through database/sql, columns may be scanned in any order and more than once.
func TestScanColumnInAnyOrder(t *testing.T) {
	rows := benchmarkSet(t, threeColumns, 5).Rows()
	for n := range int64(5) {
		if err := rows.NextRow(); err != nil {
			t.Fatal(err)
		}
		for _, column := range []int{2, 0, 1, 1, 0, 2} {
			var id int64
			var name string
			var at time.Time
			dest := []any{&id, &name, &at}[column]
			if err := rows.ScanColumn(driver.ScanContext{}, column, dest); err != nil {
				t.Fatal(err)
			}
			want := []any{1_000_000*n + 1000, fmt.Sprint("customer ", n), time.UnixMicro(unixOf2000*1_000_000 + 1_000_000*n + 1000)}[column]
			if got := reflect.ValueOf(dest).Elem().Interface(); got != want {
				t.Errorf("row %d column %d: got %v, want %v", n, column, got, want)
			}
		}
	}
	if err := rows.NextRow(); err != io.EOF {
		t.Errorf("after the last row: %v", err)
	}
	if err := rows.ScanColumn(driver.ScanContext{}, 0, new(int64)); err == nil {
		t.Error("a column was scanned after the last row")
	}
}

// What a program does to bytes that it scanned shows in no other scan, not even of the same column.
func TestScannedBytesAreTheCallers(t *testing.T) {
	set := byteSet(t, 20)
	for range 2 {
		rows := set.Rows()
		for rows.NextRow() == nil {
			for range 2 {
				for column := range byteColumns {
					var raw sql.RawBytes
					var native pgtype.DriverBytes
					for _, dest := range []any{&raw, &native} {
						if err := rows.ScanColumn(driver.ScanContext{}, column, dest); err != nil {
							t.Fatal(err)
						}
					}
					scribble(t, raw)
					scribble(t, native)
				}
			}
		}
	}
}

// A connection's own types serve destinations of pgx's kind, once the Rows are told of its map.
func TestUseTypeMap(t *testing.T) {
	m := pgtype.NewMap()
	element := &pgtype.Type{Name: "mood", OID: 16999, Codec: &pgtype.EnumCodec{}}
	m.RegisterType(element)
	m.RegisterType(&pgtype.Type{Name: "_mood", OID: 17000, Codec: &pgtype.ArrayCodec{ElementType: element}})
	fields := []pgconn.FieldDescription{{Name: "moods", DataTypeOID: 17000}}
	rows := build(t, m, fields, [][][]byte{texts("{happy,sad}")}).Rows()
	rows.UseTypeMap(m)
	if err := rows.NextRow(); err != nil {
		t.Fatal(err)
	}
	var moods pgtype.Array[namedText]
	if err := rows.ScanColumn(driver.ScanContext{}, 0, &moods); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(moods.Elements); got != "[happy sad]" {
		t.Errorf("got %s", got)
	}
}
