package wal

import "github.com/jackc/pglogrepl"

// value is what an event says of one column before or after it.
type value struct {
	// known is set when it is known; none when it is known to be NULL, or there is no row.
	known, none bool
	text        []byte
}

var noRow = value{known: true, none: true}

// values are those of one column before and after an event.
func (e event) values(r *relation, place int) (before, after value) {
	if place < 0 {
		return value{}, value{} // a column list or a generated column: no event tells its values
	}
	switch {
	case e.deletes:
		return e.old(r, place), noRow
	case !e.updates:
		return noRow, read(r, e.after, place)
	}
	before, after = e.old(r, place), read(r, e.after, place)
	switch {
	case !after.known:
		after = before // a long value that was not changed is not sent again
	case e.before == nil && r.key[place] && (r.identity == 'd' || r.identity == 'i'):
		before = after // the key as it was is sent only when it was changed
	}
	return before, after
}

// old is the value before the event. In the tuple of a key, NULL stands for the columns that aren't in the key, and says nothing.
func (e event) old(r *relation, place int) value {
	if e.before == nil {
		return value{}
	}
	v := read(r, e.before, place)
	if e.kind == pglogrepl.UpdateMessageTupleTypeKey && v.none {
		return value{}
	}
	return v
}

// read reads a column of a tuple. A tuple that doesn't fit its table says nothing.
func read(r *relation, tuple *pglogrepl.TupleData, place int) value {
	if len(tuple.Columns) != len(r.names) {
		return value{}
	}
	switch column := tuple.Columns[place]; column.DataType {
	case pglogrepl.TupleDataTypeText:
		return value{known: true, text: column.Data}
	case pglogrepl.TupleDataTypeNull:
		return noRow
	default:
		return value{}
	}
}
