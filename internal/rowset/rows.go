package rowset

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgtype"
)

// A Source gives the rows of a result that is still being read. It is used by one goroutine.
type Source interface {
	// Fetch returns the next whole rows in this package's row format, at least one, in memory that nobody else will read or
	// write afterwards: Rows lets values point into it. After the last row it returns io.EOF; a result that didn't come to
	// its end gives the error that ended it.
	Fetch() ([]byte, error)

	// Close ends the reading, whether or not all rows were fetched. Its error is that of the result.
	Close() error
}

// Rows reads a result row by row, as a driver.Rows does that was made by pgx's stdlib. It is used by one goroutine.
type Rows struct {
	layout *layout
	src    Source // nil for a Set's replay
	err    error  // what ended the result, io.EOF included

	rest   []byte // rows that are not in a run yet
	shared bool   // rest is a Set's, so no value may point into it
	run    []byte // the rows to come in the run at hand
	row    []byte // the values of the row at hand, once NextRow was called
	runs   int    // runs begun

	boxes boxes
	plans []plan      // per column, made when first needed
	types *pgtype.Map // see UseTypeMap
	names []string    // handed out by Columns
}

// The first run is short, for those who only want the first row.
const (
	firstRunSize = 512
	runSize      = 4096
)

// errBrokenRows can't happen with a Source that keeps its contract.
var errBrokenRows = errors.New("pgcache: a row source gave something else than whole rows")

var _ driver.Rows = (*Rows)(nil)

// NewRows returns the rows of src, which it closes when it is closed itself. It keeps columns: the caller must not change
// them any more.
func NewRows(columns []Column, src Source) *Rows {
	r := newRows(newLayout(columns))
	r.src = src
	return r
}

func newRows(l *layout) *Rows {
	return &Rows{layout: l, boxes: boxes{demand: l.demand}}
}

// UseTypeMap says which type map scans values into destinations that only pgx knows about (Go slices, pgtype values), which
// database/sql allows from Go 1.27 on. It should be that of the connection that the result is for; without one, pgx's default
// map is used. Values that Next gives don't depend on it.
func (r *Rows) UseTypeMap(m *pgtype.Map) { r.types = m }

// Columns gives the names of the columns, in memory that belongs to these Rows.
func (r *Rows) Columns() []string {
	if r.names == nil {
		r.names = make([]string, len(r.layout.columns))
		for i := range r.layout.columns {
			r.names[i] = r.layout.columns[i].Name
		}
	}
	return r.names
}

// Close ends the reading. Metadata can still be asked for afterwards; Next gives io.EOF, or the error that ended the result.
// Close itself returns that error, or the one with which the source closes.
func (r *Rows) Close() error {
	var err error
	if r.src != nil {
		err = r.src.Close()
	}
	if r.err == nil {
		r.end(io.EOF)
	}
	if err == nil && r.err != io.EOF {
		err = r.err
	}
	return err
}

// end drops what a finished reading doesn't need, so that values that callers keep don't pin it.
func (r *Rows) end(err error) {
	r.err = err
	r.src, r.rest, r.run, r.row, r.plans, r.types = nil, nil, nil, nil, nil, nil
}

// Next decodes the next row into dest, one value per column, or returns io.EOF or the error that ended the result. NULL is
// nil. An error in a value is worded as stdlib words it.
func (r *Rows) Next(dest []driver.Value) error {
	row, err := r.nextRow()
	if err != nil {
		return err
	}
	at := 0
	for i, decode := range r.layout.decoders {
		length := int(int32(binary.BigEndian.Uint32(row[at:])))
		at += lengthSize
		if length < 0 {
			dest[i] = nil
			continue
		}
		end := at + length
		value := row[at:end:end]
		at = end
		if decode == nil || !decode(&r.boxes, value, &dest[i]) {
			if err := r.plan(i)(&r.boxes, value, &dest[i]); err != nil {
				return fmt.Errorf("convert field %d failed: %w", i, err)
			}
		}
	}
	return nil
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

// nextRow takes the next row off the run at hand.
func (r *Rows) nextRow() ([]byte, error) {
	if len(r.run) == 0 {
		if err := r.nextRun(); err != nil {
			return nil, err
		}
	}
	end := lengthSize + int(binary.BigEndian.Uint32(r.run))
	row := r.run[lengthSize:end]
	r.run = r.run[end:]
	return row, nil
}

// nextRun prepares the next run of rows: some KiB of them, in memory that values may point into, and boxes for the values.
func (r *Rows) nextRun() error {
	if len(r.rest) == 0 {
		if err := r.fetch(); err != nil {
			return err
		}
	}
	size := runSize
	if r.runs == 0 {
		size = firstRunSize
	}
	length, rows := cutRun(r.rest, size)
	if rows == 0 {
		r.end(errBrokenRows)
		return r.err
	}
	r.run, r.rest = r.rest[:length:length], r.rest[length:]
	if r.shared && r.layout.borrows {
		r.run = bytes.Clone(r.run)
	}
	if r.runs == 0 {
		r.boxes.beginSmall(rows)
	} else {
		r.boxes.begin(rows)
	}
	r.runs++
	return nil
}

func (r *Rows) fetch() error {
	if r.err == nil && r.src == nil {
		r.end(io.EOF)
	}
	if r.err != nil {
		return r.err
	}
	rows, err := r.src.Fetch()
	if err != nil {
		r.err = err
		return err
	}
	r.rest = rows
	return nil
}
