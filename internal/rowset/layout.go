package rowset

import (
	"slices"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// A Layout is what all results of one shape have in common. It never changes and is safe for concurrent use.
type Layout struct {
	columns  []Column
	ops      []op
	decoders []decoder // per column; nil where only pgtype's plan will do
	demand   demand
	types    []*pgtype.Type // as the connection knew them that the Layout was made for
}

// NewLayout describes results with these columns, as a connection with the type map m sees them. The error, if any, is a
// [*CodecError].
func NewLayout(fields []pgconn.FieldDescription, m *pgtype.Map) (*Layout, error) {
	columns, err := Columns(fields, m)
	if err != nil {
		return nil, err
	}
	l := newLayout(columns)
	l.types = make([]*pgtype.Type, len(fields))
	for i := range fields {
		l.types[i], _ = m.TypeForOID(fields[i].DataTypeOID)
	}
	return l, nil
}

// Fits tells whether the Layout is also that of results with these columns, on a connection with the type map m. It may be
// asked of nil.
func (l *Layout) Fits(fields []pgconn.FieldDescription, m *pgtype.Map) bool {
	if l == nil || len(l.types) != len(fields) {
		return false
	}
	for i := range fields {
		if known, _ := m.TypeForOID(fields[i].DataTypeOID); known != l.types[i] || l.columns[i].FieldDescription != fields[i] {
			return false
		}
	}
	return true
}

// Equal tells whether results of the two Layouts are read alike: they have the same columns. It may be asked of nil.
func (l *Layout) Equal(other *Layout) bool {
	if l == nil || other == nil {
		return l == other
	}
	return l == other || slices.Equal(l.columns, other.columns)
}

// Size gives the bytes of heap that the Layout holds, about as the allocator rounds them up.
func (l *Layout) Size() int {
	const pointer = unsafe.Sizeof(uintptr(0))
	size := rounded(unsafe.Sizeof(*l))
	size += rounded(uintptr(cap(l.ops)) * unsafe.Sizeof(opOther))
	size += rounded(uintptr(cap(l.decoders)) * pointer)
	size += rounded(uintptr(cap(l.types)) * pointer)
	size += rounded(uintptr(cap(l.columns)) * unsafe.Sizeof(Column{}))
	for i := range l.columns {
		column := &l.columns[i]
		size += rounded(uintptr(len(column.Name))) + rounded(uintptr(len(column.TypeName)))
		if column.Location != nil {
			size += rounded(2 * pointer) // the decoder that knows the location
		}
	}
	return size
}

// rounded is about what the allocator makes of a small n, short texts sharing blocks.
func rounded(n uintptr) int { return int(n+7) &^ 7 }

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

// A demand counts the boxes of each sort that one row without NULLs needs, and all of them.
type demand struct {
	words, strings, times, blobs, values int
}

func newLayout(columns []Column) *Layout {
	l := &Layout{
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
		return
	}
	d.values++
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
