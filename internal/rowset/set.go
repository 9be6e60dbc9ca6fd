package rowset

import "unsafe"

// A Set is a whole result: its columns and all its rows. It never changes and is safe for concurrent use.
type Set struct {
	layout *Layout
	data   []byte // the rows
	rows   int
}

// Columns describes the columns. The caller must not change them.
func (s *Set) Columns() []Column { return s.layout.columns }

// Len gives the number of rows.
func (s *Set) Len() int { return s.rows }

// WireSize gives the bytes that the rows take up in the row format.
func (s *Set) WireSize() int { return len(s.data) }

// Size gives the bytes of heap that the Set holds, everything included, as the allocator rounds them up.
func (s *Set) Size() int {
	l := s.layout
	size := cap(s.data) + rounded(unsafe.Sizeof(*s)) + rounded(unsafe.Sizeof(*l))
	size += rounded(uintptr(cap(l.ops)) * unsafe.Sizeof(opOther))
	size += rounded(uintptr(cap(l.decoders)) * unsafe.Sizeof(decoder(nil)))
	size += rounded(uintptr(cap(l.columns)) * unsafe.Sizeof(Column{}))
	for i := range l.columns {
		column := &l.columns[i]
		size += rounded(uintptr(len(column.Name))) + rounded(uintptr(len(column.TypeName)))
		if column.Location != nil {
			size += rounded(2 * unsafe.Sizeof(uintptr(0))) // the decoder that knows the location
		}
	}
	return size
}

// rounded is about what the allocator makes of a small n, short texts sharing blocks.
func rounded(n uintptr) int { return int(n+7) &^ 7 }

// Rows returns a fresh replay of the result, which holds on to the Set until it is closed or read to its end.
func (s *Set) Rows() *Rows {
	r := newRows(s.layout)
	r.run.begin(s.data)
	return r
}
