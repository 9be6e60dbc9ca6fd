package rowset

import "fmt"

// A Builder collects the rows of a result. It is used by one goroutine.
type Builder struct {
	layout *Layout
	data   []byte
	rows   int
}

// NewBuilder returns a Builder for rows of these columns, which it keeps: the caller must not change them any more.
func NewBuilder(columns []Column) *Builder {
	return &Builder{layout: newLayout(columns)}
}

// Append adds a row and copies its values; a nil value is NULL. The error is [ErrRowWidth].
func (b *Builder) Append(values [][]byte) error {
	if len(values) != len(b.layout.columns) {
		return fmt.Errorf("%w: %d values, %d columns", ErrRowWidth, len(values), len(b.layout.columns))
	}
	b.data = AppendRow(b.data, values)
	b.rows++
	return nil
}

// Len gives the bytes collected so far.
func (b *Builder) Len() int { return len(b.data) }

// RowCount gives the rows collected so far.
func (b *Builder) RowCount() int { return b.rows }

// Set returns what was collected. The Builder is empty afterwards and can be used again.
func (b *Builder) Set() *Set {
	set := &Set{layout: b.layout, data: trim(b.data), rows: b.rows}
	b.data, b.rows = nil, 0
	return set
}

// trim gives data in memory of its own size where the room left by growing is more than one part in 32.
func trim(data []byte) []byte {
	if cap(data)-len(data) <= len(data)/32 {
		return data
	}
	return append([]byte(nil), data...)
}
