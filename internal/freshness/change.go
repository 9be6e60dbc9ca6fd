package freshness

import "slices"

// Change is what a write may have changed: a table, or some of its rows.
type Change struct {
	// Table is the table's tag.
	Table Tag
	// Rows are what the rows that changed have in common, whatever else did: each is a column whose value in all of them was the
	// same before and after. Without any it may be any rows.
	Rows []Rows
}

// Rows are the rows of a table that have one value in a column.
type Rows struct {
	// Column is the column's tag, and Tag that of the rows.
	Column, Tag Tag
}

// Whole makes changes of whole tables.
func Whole(tables ...Tag) []Change {
	changes := make([]Change, len(tables))
	for i, t := range tables {
		changes[i].Table = t
	}
	return changes
}

// Tables are the tags of the tables that changed, once each.
func Tables(changes []Change) []Tag {
	var tables []Tag
	for i := range changes {
		if !slices.Contains(tables, changes[i].Table) {
			tables = append(tables, changes[i].Table)
		}
	}
	return tables
}

// in gives the tag of the rows that changed, told by a column; or the column's own if it does not tell them.
func (c *Change) in(column Tag) Tag {
	for _, r := range c.Rows {
		if r.Column == column {
			return r.Tag
		}
	}
	return column
}
