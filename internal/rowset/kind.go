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

// A layout is what all replays of one shape of result have in common. It never changes.
type layout struct {
	columns  []Column
	decoders []decoder // per column; nil where only pgtype's plan will do
	demand   demand
	borrows  bool // values point into the bytes of their row
}

// A demand counts the boxes of each sort that one row without NULLs needs.
type demand struct {
	words, strings, times, blobs int
}

func newLayout(columns []Column) *layout {
	l := &layout{columns: columns, decoders: make([]decoder, len(columns))}
	for i := range columns {
		column := &columns[i]
		k := kindOf(column.DataTypeOID)
		l.decoders[i] = decoderFor(column, k)
		l.borrows = l.borrows || k == kindString || k == kindBytes
		l.demand.add(k)
	}
	return l
}

func (d *demand) add(k kind) {
	switch k {
	case kindInt, kindFloat:
		d.words++
	case kindString:
		d.strings++
	case kindTime:
		d.times++
	case kindBytes:
		d.blobs++
	case kindBool: // the compiler boxes these without memory
	}
}
