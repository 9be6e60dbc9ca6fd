package fanout

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"time"
)

// readResult reads a whole result into a T by T's shape; see Query.
func readResult[T any](_ context.Context, rows *sql.Rows) (T, error) {
	var v T
	dst := reflect.ValueOf(&v).Elem()
	row, err := newRowReader(rows, rowType(dst.Type()))
	if err != nil {
		return v, err
	}
	switch {
	case takesAllRows(dst.Type()):
		err = row.all(dst)
	case dst.Kind() == reflect.Pointer:
		err = row.atMostOne(dst)
	default:
		err = row.exactlyOne(dst)
	}
	return v, err
}

func takesAllRows(t reflect.Type) bool { return t.Kind() == reflect.Slice && !isScalar(t) }

// rowType is the type of one row of an answer of type t.
func rowType(t reflect.Type) reflect.Type {
	if takesAllRows(t) {
		return t.Elem()
	}
	return t
}

// rowReader reads rows of one result into values of one type. It is used by one
// goroutine.
type rowReader struct {
	rows    *sql.Rows
	columns []string
	typ     reflect.Type
	aim     func(dst reflect.Value) // points dests into dst
	land    func(dst reflect.Value) // finishes dst after a scan; may be nil
	target  func(column int) string // what a column goes into, for errors
	dests   []any
}

func newRowReader(rows *sql.Rows, t reflect.Type) (*rowReader, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	r := &rowReader{rows: rows, columns: columns, typ: t, dests: make([]any, len(columns))}
	switch inner := pointee(t); {
	case inner == rawBytesType:
		err = errRawBytes
	case isScalar(inner):
		err = r.forScalar(t)
	case inner.Kind() == reflect.Struct:
		err = r.forStruct(inner)
	case inner.Kind() == reflect.Map:
		err = r.forMap(inner)
	default:
		err = fmt.Errorf("fanout: a row can't be read into %v", t)
	}
	return r, err
}

// pointee is what a row pointer points to: *E rows are read like E rows.
func pointee(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// inner is the value that a row goes into, allocated if dst is a pointer.
func inner(dst reflect.Value) reflect.Value {
	if dst.Kind() != reflect.Pointer {
		return dst
	}
	if dst.IsNil() {
		dst.Set(reflect.New(dst.Type().Elem()))
	}
	return dst.Elem()
}

// forScalar leaves pointers to database/sql, which makes them nil for NULL.
func (r *rowReader) forScalar(t reflect.Type) error {
	if len(r.columns) != 1 {
		return fmt.Errorf("fanout: %v takes one column, the query has %d %q", t, len(r.columns), r.columns)
	}
	r.aim = func(dst reflect.Value) { r.dests[0] = dst.Addr().Interface() }
	r.target = func(int) string { return t.String() }
	return nil
}

func (r *rowReader) forStruct(t reflect.Type) error {
	fields, err := fieldsFor(t, r.columns)
	if err != nil {
		return err
	}
	r.aim = func(dst reflect.Value) {
		dst = inner(dst)
		for i, f := range fields {
			r.dests[i] = fieldOf(dst, f.index).Addr().Interface()
		}
	}
	r.target = func(i int) string { return fmt.Sprintf("%v.%s (%v)", t, fields[i].path, fields[i].typ) }
	return nil
}

func (r *rowReader) forMap(t reflect.Type) error {
	if t.Key().Kind() != reflect.String || t.Elem() != reflect.TypeFor[any]() {
		return fmt.Errorf("fanout: a row can't be read into %v, only into map[string]any", t)
	}
	if err := distinct(r.columns); err != nil {
		return err
	}
	keys := make([]reflect.Value, len(r.columns))
	values := make([]any, len(r.columns))
	for i, c := range r.columns {
		keys[i] = reflect.ValueOf(c).Convert(t.Key())
		r.dests[i] = &values[i]
	}
	r.aim = func(reflect.Value) {}
	r.land = func(dst reflect.Value) {
		m := reflect.MakeMapWithSize(t, len(keys))
		for i, k := range keys {
			m.SetMapIndex(k, reflect.ValueOf(&values[i]).Elem())
		}
		inner(dst).Set(m)
	}
	r.target = func(int) string { return t.String() }
	return nil
}

// scan reads the current row into dst, which must be zero: a Scanner may add to
// what it finds.
func (r *rowReader) scan(dst reflect.Value) error {
	r.aim(dst)
	if err := r.rows.Scan(r.dests...); err != nil {
		return r.explain(err)
	}
	if r.land != nil {
		r.land(dst)
	}
	return nil
}

// explain finds the column that err is about, by scanning them one at a time.
func (r *rowReader) explain(err error) error {
	trial := make([]any, len(r.dests))
	for i := range trial {
		trial[i] = new(any)
	}
	for i, dest := range r.dests {
		ignored := trial[i]
		trial[i] = dest
		if r.rows.Scan(trial...) != nil {
			return fmt.Errorf("fanout: column %q into %s: %w", r.columns[i], r.target(i), err)
		}
		trial[i] = ignored
	}
	return err
}

func (r *rowReader) all(dst reflect.Value) error {
	dst.Set(reflect.MakeSlice(dst.Type(), 0, 0))
	for n := 0; r.rows.Next(); n++ {
		dst.Grow(1)
		dst.SetLen(n + 1) // of zeros
		if err := r.scan(dst.Index(n)); err != nil {
			return err
		}
	}
	return r.rows.Err()
}

func (r *rowReader) exactlyOne(dst reflect.Value) error {
	found, err := r.one(dst)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

func (r *rowReader) atMostOne(dst reflect.Value) error {
	_, err := r.one(dst)
	return err
}

func (r *rowReader) one(dst reflect.Value) (found bool, err error) {
	if !r.rows.Next() {
		return false, r.rows.Err()
	}
	if err := r.scan(dst); err != nil {
		return true, err
	}
	if r.rows.Next() {
		return true, ErrTooManyRows
	}
	return true, r.rows.Err()
}

var (
	scannerType  = reflect.TypeFor[sql.Scanner]()
	timeType     = reflect.TypeFor[time.Time]()
	rawBytesType = reflect.TypeFor[sql.RawBytes]()
)

// isScalar reports whether one column is scanned into a t as a whole.
func isScalar(t reflect.Type) bool {
	if t == timeType || reflect.PointerTo(t).Implements(scannerType) {
		return true
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Interface:
		return t.NumMethod() == 0
	}
	return false
}
