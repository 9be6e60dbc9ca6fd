package rowset

import "unsafe"

// A Set is a whole result: its columns and all its rows. It never changes and is safe for concurrent use.
type Set struct {
	layout *layout
	data   []byte // the rows
	rows   int
}

// Columns describes the columns. The caller must not change them.
func (s *Set) Columns() []Column { return s.layout.columns }

// Len gives the number of rows.
func (s *Set) Len() int { return s.rows }

// WireSize gives the bytes that the rows take up in the row format.
func (s *Set) WireSize() int { return len(s.data) }

// Size gives the bytes of heap that the Set holds, everything included.
func (s *Set) Size() int {
	size := int(unsafe.Sizeof(*s)+unsafe.Sizeof(*s.layout)) + cap(s.data)
	size += cap(s.layout.decoders) * int(unsafe.Sizeof(decoder(nil)))
	size += cap(s.layout.columns) * int(unsafe.Sizeof(Column{}))
	for i := range s.layout.columns {
		column := &s.layout.columns[i]
		size += heapString(column.Name) + heapString(column.TypeName)
		if column.Location != nil {
			size += int(unsafe.Sizeof(uintptr(0))) * 2 // the decoder that knows the location
		}
	}
	return size
}

// heapString gives the bytes that a string's text takes up, by the coarsest of the allocator's steps for short ones.
func heapString(s string) int { return (len(s) + 7) &^ 7 }

// Rows returns a fresh replay of the result, which holds on to the Set until it is closed or read to its end.
func (s *Set) Rows() *Rows {
	r := newRows(s.layout)
	r.rest, r.shared = s.data, true
	return r
}
