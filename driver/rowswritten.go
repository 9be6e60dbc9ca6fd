package driver

import (
	"database/sql/driver"
	"strings"

	"github.com/gopgcache/pgcache/driver/internal/argument"
	"github.com/gopgcache/pgcache/driver/internal/rowtag"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// rowsWritten is by which columns the rows can be told that a text writes, with what the catalog says of its names.
type rowsWritten struct {
	answer *answer
	by     []rowtag.Rows
}

// changes says what a statement changes with this answer and these arguments, or that it may be anything.
func (t *text) changes(a *answer, args []driver.NamedValue) (changes []freshness.Change, all bool) {
	if a.opaque() {
		return nil, true
	}
	changes = freshness.Whole(a.tablesReached()...)
	if len(changes) != 1 || len(t.Rewritten) == 0 {
		return changes, false
	}
	if args, _, ok := argument.Plain(args); ok {
		changes[0].Rows = t.rewrittenBy(a).rows(args)
	}
	return changes, false
}

// rewrittenBy gives what was found for the answer, finding it if need be.
func (t *text) rewrittenBy(a *answer) *rowsWritten {
	if known := t.rewritten.Load(); known != nil && known.answer == a {
		return known
	}
	found := &rowsWritten{answer: a}
	// A session that nothing is cached for may read the text, or write the arguments, otherwise than others do.
	if a.Reach.Apart && a.plain() && a.question.identity.refusal == "" {
		found.by = t.tellRewritten(a)
	}
	t.rewritten.Store(found)
	return found
}

// tellRewritten finds the columns by which the rows can be told.
func (t *text) tellRewritten(a *answer) (by []rowtag.Rows) {
	for _, n := range t.Rewritten {
		table, ok := a.named(n.Relation)
		if !ok || table != a.Reach.Tables[0] {
			continue
		}
		for _, column := range a.columns {
			if column.Table != table {
				continue
			}
			if rows, ok := rowtag.Written(t.Text, n, column); ok {
				by = append(by, rows)
			}
		}
	}
	return by
}

// rows are those that are written with these arguments.
func (rw *rowsWritten) rows(args []driver.NamedValue) (rows []freshness.Rows) {
	for i := range rw.by {
		by := &rw.by[i]
		if tag, ok := by.Tag(args); ok {
			rows = append(rows, freshness.Rows{Column: by.Any(), Tag: tag})
		}
	}
	return rows
}

// columns names the columns, if there are any.
func (rw *rowsWritten) columns() string {
	if rw == nil {
		return ""
	}
	names := make([]string, len(rw.by))
	for i := range rw.by {
		names[i] = rw.by[i].Column()
	}
	return strings.Join(names, ", ")
}
