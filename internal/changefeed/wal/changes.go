package wal

import (
	"github.com/jackc/pglogrepl"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// maxRows is how many tags of rows a transaction may have. One that changes more touches the columns as a whole.
const maxRows = 4096

// changes are what a transaction changed, or a part of it.
type changes struct {
	tables map[uint32]*touched
	// rows are the tags of the rows that it changed.
	rows map[freshness.Tag]struct{}
	// coarse is set when there were too many rows, and none are kept.
	coarse bool
	// schema is set when it changed what names stand for.
	schema bool
}

// touched is a table that was changed.
type touched struct {
	// columns are those that mattered when it was changed first; unknown are those of them of which some value is not known.
	columns []string
	unknown []bool
}

func newChanges() *changes {
	return &changes{tables: make(map[uint32]*touched), rows: make(map[freshness.Tag]struct{})}
}

// touch notes that a table was changed.
func (c *changes) touch(table uint32, columns []string) *touched {
	t := c.tables[table]
	if t == nil {
		t = &touched{columns: columns, unknown: make([]bool, len(columns))}
		c.tables[table] = t
	}
	return t
}

// event is a change of one row. An insert has only an after, a delete only a before, of which kind says what it holds: 'K'
// the columns of the replica identity, 'O' all. An update has a before if the server thought it needed.
type event struct {
	kind             byte
	before, after    *pglogrepl.TupleData
	updates, deletes bool
}

// change notes the change of a row: for each column that matters, the value that it had and the one that it has.
//
// Both matter even if they are the same: something in the row changed, and whoever selects the row by this column has read
// it. So a column of which either isn't known is unknown, and stands for all rows.
func (c *changes) change(r *relation, columns []string, e event) {
	t := c.touch(r.oid, columns)
	places := r.find(t.columns)
	for i, name := range t.columns {
		if t.unknown[i] || c.coarse {
			continue
		}
		before, after := e.values(r, places[i])
		if !before.known || !after.known {
			t.unknown[i] = true
			continue
		}
		c.row(r.oid, name, before)
		c.row(r.oid, name, after)
	}
}

// row notes that rows with a value in a column were changed. There are none with a NULL as far as equality goes.
func (c *changes) row(table uint32, column string, v value) {
	if v.none || c.coarse {
		return
	}
	c.rows[freshness.RowTag(table, column, string(v.text))] = struct{}{}
	if len(c.rows) > maxRows {
		c.coarsen()
	}
}

// coarsen forgets the rows.
func (c *changes) coarsen() { c.rows, c.coarse = nil, true }

// truncate notes that a table lost all its rows.
func (c *changes) truncate(table uint32, columns []string) {
	t := c.touch(table, columns)
	for i := range t.unknown {
		t.unknown[i] = true
	}
}

// merge adds what another part of the same transaction changed.
func (c *changes) merge(other *changes) {
	c.schema = c.schema || other.schema
	for table, theirs := range other.tables {
		ours := c.touch(table, theirs.columns)
		// A column that came to matter between the two is known of one only: leave it to finish.
		ours.shorten(len(theirs.columns))
		for i := range ours.columns {
			ours.unknown[i] = ours.unknown[i] || theirs.unknown[i]
		}
	}
	if c.coarse || other.coarse || len(c.rows)+len(other.rows) > maxRows {
		c.coarsen()
		return
	}
	for tag := range other.rows {
		c.rows[tag] = struct{}{}
	}
}

func (t *touched) shorten(n int) {
	n = min(n, len(t.columns))
	t.columns, t.unknown = t.columns[:n], t.unknown[:n]
}

// finish gives the tags of the whole transaction, once its commit has come: one for each table first, in the order of the
// list.
//
// A column that has come to matter since the first change gets the tag of all its rows, since the values before are not
// known. One that comes to matter after this look needs none: whoever asked for it begins to read after it, and so after the commit
// was written. Such a fill waits until the commit was delivered, and is then held against it by its tables.
func (c *changes) finish(interest *changefeed.Interest) (tables []uint32, tags []freshness.Tag) {
	tags = make([]freshness.Tag, 0, 2*len(c.tables)+len(c.rows))
	for table := range c.tables {
		tables, tags = append(tables, table), append(tags, freshness.TableTag(table))
	}
	for table, t := range c.tables {
		for i, name := range interest.Columns(table) {
			if c.coarse || i >= len(t.columns) || t.unknown[i] {
				tags = append(tags, freshness.ColumnTag(table, name))
			}
		}
	}
	for tag := range c.rows {
		tags = append(tags, tag)
	}
	return tables, tags
}
