package rowset

import "github.com/jackc/pgx/v5/pgtype"

// A kind is the Go type that stdlib gives for a column's values.
type kind uint8

const (
	kindString kind = iota // every type that has no line below
	kindBool
	kindInt   // int64
	kindFloat // float64
	kindTime  // time.Time, or a string for the infinities
	kindBytes
)

// kindOf gives the kind of a type's values, whatever their format.
func kindOf(oid uint32) kind {
	switch oid {
	case pgtype.BoolOID:
		return kindBool
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID, pgtype.XIDOID, pgtype.CIDOID:
		return kindInt
	case pgtype.Float4OID, pgtype.Float8OID:
		return kindFloat
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return kindTime
	case pgtype.ByteaOID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return kindBytes
	default:
		return kindString
	}
}
