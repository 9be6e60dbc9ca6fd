package rowset

import "unsafe"

// A Set is a whole result: its columns and all its rows. It never changes and is safe for concurrent use. It is small, and may
// be copied as a slice may: the copies share the rows.
type Set struct {
	layout *Layout
	data   []byte // the rows
	rows   int
}

// Of returns the Set of the rows that data is in the row format, of which there are so many. It keeps data, which must not be
// changed any more.
func (l *Layout) Of(data []byte, rows int) Set {
	return Set{layout: l, data: data, rows: rows}
}

// Layout is what the Set has in common with others of its shape.
func (s Set) Layout() *Layout { return s.layout }

// Columns describes the columns. The caller must not change them.
func (s Set) Columns() []Column { return s.layout.columns }

// Len gives the number of rows.
func (s Set) Len() int { return s.rows }

// Data gives the rows in the row format. The caller must not change them.
func (s Set) Data() []byte { return s.data }

// WireSize gives the bytes that the rows take up in the row format.
func (s Set) WireSize() int { return len(s.data) }

// Size gives the bytes of heap that the Set holds, everything included, as the allocator rounds them up.
func (s Set) Size() int {
	return cap(s.data) + rounded(unsafe.Sizeof(s)) + s.layout.Size()
}

// Rows returns a fresh replay of the result, which holds on to the Set until it is closed or read to its end.
func (s Set) Rows() *Rows {
	r := newRows(s.layout, s.rows)
	r.run.begin(s.data, true)
	return r
}
