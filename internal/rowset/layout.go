package rowset

import "github.com/jackc/pgx/v5/pgtype"

// A layout is what all replays of one shape of result have in common. It never changes.
type layout struct {
	columns  []Column
	ops      []op
	decoders []decoder // per column; nil where only pgtype's plan will do
	demand   demand
}

// An op names the decoders that Next calls without a detour, because they are the ones that most results need: an indirect
// call costs about as much as the decoding.
type op uint8

const (
	opOther op = iota
	opString
	opInt4
	opInt8
	opTimestamptz
)

// A demand counts the boxes of each sort that one row without NULLs needs.
type demand struct {
	words, strings, times, blobs int
}

func newLayout(columns []Column) *layout {
	l := &layout{
		columns:  columns,
		ops:      make([]op, len(columns)),
		decoders: make([]decoder, len(columns)),
	}
	for i := range columns {
		column := &columns[i]
		k := kindOf(column.DataTypeOID)
		l.ops[i] = opFor(column, k)
		l.decoders[i] = decoderFor(column, k)
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

// opFor must agree with decoderFor.
func opFor(c *Column, k kind) op {
	if c.Format == pgtype.TextFormatCode && k == kindString {
		return opString
	}
	if c.Format != pgtype.BinaryFormatCode {
		return opOther
	}
	switch {
	case c.DataTypeOID == pgtype.Int4OID:
		return opInt4
	case c.DataTypeOID == pgtype.Int8OID:
		return opInt8
	case c.DataTypeOID == pgtype.TimestamptzOID && c.Location == nil:
		return opTimestamptz
	}
	return opOther
}
