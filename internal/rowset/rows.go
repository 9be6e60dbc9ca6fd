package rowset

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgtype"
)

// A Source gives the rows of a result that is still being read. It is used by one goroutine.
type Source interface {
	// Fetch returns the next whole rows in this package's row format, at least one, in memory that stays as it is until the
	// next Fetch or Close, or for good if lasting is set. After the last row it returns io.EOF; a result that didn't come to
	// its end gives the error that ended it.
	Fetch() (rows []byte, lasting bool, err error)

	// Close ends the reading, whether or not all rows were fetched. Its error is that of the result.
	Close() error
}

// Rows reads a result row by row, as a driver.Rows does that was made by pgx's stdlib. It is used by one goroutine.
type Rows struct {
	layout *Layout
	src    Source // nil for a Set's replay
	err    error  // what ended the result, io.EOF included

	run    run
	cursor cursor

	plans []plan      // per column, made when first needed
	types *pgtype.Map // see UseTypeMap
}

// errNoRows can't happen with a Source that keeps its contract.
var errNoRows = errors.New("pgcache: a row source gave neither rows nor an end")

var _ driver.Rows = (*Rows)(nil)

// NewRows returns the rows of src, which it closes when it is closed itself. It keeps columns: the caller must not change
// them any more.
func NewRows(columns []Column, src Source) *Rows {
	r := newRows(newLayout(columns), 1)
	r.src = src
	return r
}

// UseTypeMap says which type map scans values into destinations that only pgx knows about (Go slices, pgtype values), which
// database/sql allows from Go 1.27 on. It should be that of the connection that the result is for; without one, pgx's default
// map is used. Values that Next gives don't depend on it.
func (r *Rows) UseTypeMap(m *pgtype.Map) { r.types = m }

// Columns gives the names of the columns, in memory that belongs to the caller.
func (r *Rows) Columns() []string {
	names := make([]string, len(r.layout.columns))
	for i := range r.layout.columns {
		names[i] = r.layout.columns[i].Name
	}
	return names
}

// Close ends the reading. Metadata can still be asked for afterwards; Next gives io.EOF, or the error that ended the result.
// Close itself returns that error, or the one with which the source closes.
func (r *Rows) Close() error {
	if src := r.src; src != nil {
		r.src = nil
		if err := src.Close(); err != nil && (r.err == nil || r.err == io.EOF) {
			r.err = err
		}
	}
	r.release()
	if r.err == io.EOF {
		return nil
	}
	return r.err
}

// release lets go of what a finished reading doesn't need, so that values that callers keep don't pin it.
func (r *Rows) release() {
	r.plans, r.types, r.cursor = nil, nil, cursor{}
	r.run.release()
}

// Next decodes the next row into dest, one value per column, or returns io.EOF or the error that ended the result. NULL is
// nil. An error in a value is worded as stdlib words it.
func (r *Rows) Next(dest []driver.Value) error {
	if r.run.at == len(r.run.data) {
		if err := r.fetch(); err != nil {
			return err
		}
	}
	r.run.ready()
	if r.run.slots != nil {
		return r.nextOfFew(dest)
	}
	data, at := r.run.data, r.run.at+lengthSize
	boxes := r.run.blocks
	dest = dest[:len(r.layout.ops)]
	for i, op := range r.layout.ops {
		length := int(int32(binary.BigEndian.Uint32(data[at:])))
		at += lengthSize
		// The widths are constants where they can be: then the next value's place doesn't wait for this one's length.
		switch op {
		case opString:
			if length >= 0 {
				boxes.putText(r.run.text(data[at:at+length]), &dest[i])
				at += length
				continue
			}
		case opInt4:
			if length == 4 {
				boxes.putInt(int64(int4Of(data[at:at+4])), &dest[i])
				at += 4
				continue
			}
		case opInt8:
			if length == 8 {
				boxes.putInt(int8Of(data[at:at+8]), &dest[i])
				at += 8
				continue
			}
		case opTimestamptz:
			if micro, finite := finiteMicro(data[at : at+max(length, 0)]); finite {
				boxes.putTime(timeOf(micro), &dest[i])
				at += 8
				continue
			}
		}
		var err error
		if at, err = r.value(i, at, length, &dest[i]); err != nil {
			return err
		}
	}
	r.run.at = at
	return nil
}

// nextOfFew is Next for a result so small that its values go into slots.
func (r *Rows) nextOfFew(dest []driver.Value) error {
	data, at := r.run.data, r.run.at+lengthSize
	for i := range r.layout.columns {
		length := int(int32(binary.BigEndian.Uint32(data[at:])))
		at += lengthSize
		var err error
		if at, err = r.value(i, at, length, &dest[i]); err != nil {
			return err
		}
	}
	r.run.at = at
	return nil
}

// value decodes the value of any column that begins at a place in the row at hand, and gives where the next one does.
func (r *Rows) value(index, at, length int, dst *driver.Value) (next int, err error) {
	if length < 0 {
		*dst = nil
		return at, nil
	}
	next = at + length
	if err := r.decode(index, r.run.data[at:next], dst); err != nil {
		return 0, r.skip(fmt.Errorf("convert field %d failed: %w", index, err))
	}
	return next, nil
}

// decode decodes a value that is not NULL, of any column.
func (r *Rows) decode(index int, src []byte, dst *driver.Value) error {
	if decode := r.layout.decoders[index]; decode != nil && decode(&r.run, src, dst) {
		return nil
	}
	return r.plan(index)(&r.run, src, dst)
}

// skip leaves the row that has err in it behind.
func (r *Rows) skip(err error) error {
	r.run.at += lengthSize + int(binary.BigEndian.Uint32(r.run.data[r.run.at:]))
	return err
}

// plan gives the slow way to decode a column.
func (r *Rows) plan(index int) plan {
	if r.plans == nil {
		r.plans = make([]plan, len(r.layout.columns))
	}
	if r.plans[index] == nil {
		r.plans[index] = newPlan(&r.layout.columns[index])
	}
	return r.plans[index]
}

// fetch gets more rows from the source.
func (r *Rows) fetch() error {
	if r.err != nil {
		return r.err
	}
	rows, lasting, err := []byte(nil), false, io.EOF
	if r.src != nil {
		rows, lasting, err = r.src.Fetch()
	}
	if err == nil && len(rows) == 0 {
		err = errNoRows
	}
	if err != nil {
		r.err = err
		r.release()
		return err
	}
	r.run.begin(rows, lasting)
	return nil
}
