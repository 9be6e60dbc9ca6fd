package rowset

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"time"
)

// A failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// typedRows is what pgx's rows implement.
type typedRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// requireSame fails unless both give the same metadata and then, row by row, the same values and errors up to the end. It
// closes both.
func requireSame(tb failer, want, got driver.Rows) {
	tb.Helper()
	defer want.Close()
	requireSameTypes(tb, want, got)
	width := len(want.Columns())
	for row := 0; ; row++ {
		a, b := make([]driver.Value, width), make([]driver.Value, width)
		wantErr, gotErr := want.Next(a), got.Next(b)
		if errorText(wantErr) != errorText(gotErr) {
			tb.Fatalf("row %d: error %q, want %q", row, errorText(gotErr), errorText(wantErr))
		}
		if wantErr == io.EOF {
			break
		}
		if wantErr == nil {
			requireSameRow(tb, row, a, b)
		}
	}
	if err := got.Close(); err != nil {
		tb.Fatalf("close: %v", err)
	}
}

func requireSameRow(tb failer, row int, want, got []driver.Value) {
	tb.Helper()
	for i := range want {
		if !identical(want[i], got[i]) {
			tb.Fatalf("row %d column %d: got %s, want %s", row, i, describe(got[i]), describe(want[i]))
		}
	}
}

func requireSameTypes(tb failer, wantRows, gotRows driver.Rows) {
	tb.Helper()
	if !slices.Equal(wantRows.Columns(), gotRows.Columns()) {
		tb.Fatalf("columns %q, want %q", gotRows.Columns(), wantRows.Columns())
	}
	want, got := wantRows.(typedRows), gotRows.(typedRows)
	for i := range want.Columns() {
		if a, b := columnFacts(want, i), columnFacts(got, i); a != b {
			tb.Fatalf("column %d: %s, want %s", i, b, a)
		}
	}
}

func columnFacts(r typedRows, i int) string {
	length, hasLength := r.ColumnTypeLength(i)
	precision, scale, hasScale := r.ColumnTypePrecisionScale(i)
	return fmt.Sprintf("%s, length %d %t, precision %d scale %d %t, %v", r.ColumnTypeDatabaseTypeName(i), length, hasLength,
		precision, scale, hasScale, r.ColumnTypeScanType(i))
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// identical compares bit for bit: the types, the sign of zero, a NaN's payload, a time's location by its pointer, and nil
// slices from empty ones.
func identical(a, b driver.Value) bool {
	if reflect.TypeOf(a) != reflect.TypeOf(b) {
		return false
	}
	switch a := a.(type) {
	case float64:
		return math.Float64bits(a) == math.Float64bits(b.(float64))
	case time.Time:
		return a == b.(time.Time)
	case []byte:
		return (a == nil) == (b.([]byte) == nil) && bytes.Equal(a, b.([]byte))
	default:
		return a == b
	}
}

func describe(v driver.Value) string { return fmt.Sprintf("%T(%#v)", v, v) }
