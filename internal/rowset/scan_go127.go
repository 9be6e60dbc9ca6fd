//go:build go1.27

package rowset

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"

	"github.com/jackc/pgx/v5/pgtype"
)

var _ driver.RowsColumnScanner = (*Rows)(nil)

// A cursor is where ScanColumn is in the row at hand.
type cursor struct {
	row    []byte // the row's values; nil before the first row and after the last
	column int    // the first column that is in unread
	unread []byte // the values of that column and those after it
}

var (
	errNotPointer = errors.New("destination not a pointer")
	errNilPointer = errors.New("destination pointer is nil")
	errNoRow      = errors.New("pgcache: no row to scan")
)

// NextRow goes to the next row, or returns io.EOF or the error that ended the result. From Go 1.27 on database/sql calls it
// and ScanColumn in place of Next.
func (r *Rows) NextRow() error {
	r.cursor = cursor{}
	if r.run.at == len(r.run.data) {
		if err := r.fetch(); err != nil {
			return err
		}
	}
	row, rest, _ := cutLength(r.run.data[r.run.at:])
	r.cursor = cursor{row: row, unread: row}
	r.run.at = len(r.run.data) - len(rest)
	return nil
}

// ScanColumn copies a column of the row at hand to where dest points, as stdlib does: what database/sql can convert goes
// through the value that Next would give, anything else is scanned by pgx.
func (r *Rows) ScanColumn(ctx driver.ScanContext, index int, dest any) error {
	if r.cursor.row == nil {
		return errNoRow
	}
	src := r.cursor.value(index)
	if src != nil && r.scanDirect(index, src, dest) {
		return nil
	}
	if dest == nil {
		return errNotPointer
	}
	if target := reflect.ValueOf(dest); target.Kind() == reflect.Pointer && target.IsNil() {
		return errNilPointer
	}
	if !convertible(reflect.TypeOf(dest)) {
		return r.scanNative(index, src, dest)
	}
	var value driver.Value
	if src != nil {
		r.run.readyForOne()
		if err := r.decode(index, src, &value); err != nil {
			return err
		}
	}
	return sql.ConvertAssign(ctx, dest, value)
}

// readyForOne is ready for one value.
func (r *run) readyForOne() {
	if int(r.slot) == len(r.slots) {
		r.ready()
	}
}

// value gives the bytes of a column, nil for NULL. Columns are mostly asked for from left to right.
func (c *cursor) value(index int) []byte {
	if index < c.column {
		c.column, c.unread = 0, c.row
	}
	for {
		value, rest, _ := cutValue(c.unread)
		c.column++
		c.unread = rest
		if c.column > index {
			return value
		}
	}
}

// scanDirect serves the pairs of column and destination that most programs use, where the value can be stored as it is. It
// reports false, having done nothing, for all others.
func (r *Rows) scanDirect(index int, src []byte, dest any) bool {
	switch d := dest.(type) {
	case *string:
		if d != nil && r.layout.ops[index] == opString {
			*d = r.run.text(src)
			return true
		}
	case *int64:
		if v, ok := r.integer(index, src); ok && d != nil {
			*d = v
			return true
		}
	case *int:
		if v, ok := r.integer(index, src); ok && d != nil && int64(int(v)) == v {
			*d = int(v)
			return true
		}
	case *int32:
		if v, ok := r.integer(index, src); ok && d != nil && int64(int32(v)) == v {
			*d = int32(v)
			return true
		}
	}
	return false
}

// integer reads a value of the columns whose op says that it is one.
func (r *Rows) integer(index int, src []byte) (int64, bool) {
	switch op := r.layout.ops[index]; {
	case op == opInt8 && len(src) == 8:
		return int8Of(src), true
	case op == opInt4 && len(src) == 4:
		return int64(int4Of(src)), true
	}
	return 0, false
}

// scanNative lets pgx scan into a destination that database/sql knows nothing about.
func (r *Rows) scanNative(index int, src []byte, dest any) error {
	if r.types == nil {
		r.types = pgtype.NewMap()
	}
	if src != nil {
		src = r.run.hold(src) // some destinations keep what they are given
	}
	column := &r.layout.columns[index]
	return r.types.Scan(column.DataTypeOID, column.Format, src, dest)
}
