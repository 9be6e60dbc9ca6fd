package rowset

import (
	"database/sql/driver"
	"math"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// pgx's rows implement these four and neither RowsColumnTypeNullable nor RowsNextResultSet, so ours don't either: callers
// can tell.
var (
	_ driver.RowsColumnTypeDatabaseTypeName = (*Rows)(nil)
	_ driver.RowsColumnTypeLength           = (*Rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*Rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*Rows)(nil)
)

// typmodHeader is what PostgreSQL adds to a length or precision before it stores it as a type modifier. A column without a
// modifier has -1 there, which is why a bare varchar reports a length of -5, with pgx as with us.
const typmodHeader = 4

// ColumnTypeDatabaseTypeName gives the upper-case name of the column's type, or its oid where the name isn't known.
func (r *Rows) ColumnTypeDatabaseTypeName(index int) string {
	return r.layout.columns[index].TypeName
}

// ColumnTypeLength gives the longest value of a column of variable length.
func (r *Rows) ColumnTypeLength(index int) (length int64, ok bool) {
	column := &r.layout.columns[index]
	switch column.DataTypeOID {
	case pgtype.TextOID, pgtype.ByteaOID:
		return math.MaxInt64, true
	case pgtype.VarcharOID, pgtype.BPCharOID:
		return int64(column.TypeModifier - typmodHeader), true
	case pgtype.VarbitOID:
		return int64(column.TypeModifier), true
	}
	return 0, false
}

// ColumnTypePrecisionScale gives the precision and scale of a numeric column.
func (r *Rows) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	column := &r.layout.columns[index]
	if column.DataTypeOID != pgtype.NumericOID {
		return 0, 0, false
	}
	modifier := column.TypeModifier - typmodHeader
	return int64(modifier >> 16 & 0xffff), int64(modifier & 0xffff), true
}

// ColumnTypeScanType gives a Go type that the column can be scanned into.
func (r *Rows) ColumnTypeScanType(index int) reflect.Type {
	switch r.layout.columns[index].DataTypeOID {
	case pgtype.Float8OID, pgtype.NumericOID:
		return reflect.TypeFor[float64]()
	case pgtype.Float4OID:
		return reflect.TypeFor[float32]()
	case pgtype.Int8OID:
		return reflect.TypeFor[int64]()
	case pgtype.Int4OID:
		return reflect.TypeFor[int32]()
	case pgtype.Int2OID:
		return reflect.TypeFor[int16]()
	case pgtype.BoolOID:
		return reflect.TypeFor[bool]()
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return reflect.TypeFor[time.Time]()
	case pgtype.ByteaOID:
		return reflect.TypeFor[[]byte]()
	default:
		return reflect.TypeFor[string]()
	}
}
