package statement

import (
	"slices"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// narrowWrite finds out which rows of its one relation an UPDATE, DELETE or INSERT changes: see [Statement.Rewritten].
//
// WHERE r.c = v lets only rows be updated or deleted that have the value, and those that are not given another one keep it. A row
// that is inserted has the values that it is given. One that ON CONFLICT updates in its place may have others: the index by which it was
// met has its own idea of what is equal. WITH and FROM may be other ways to the relation, or make names mean something else, so
// there are none.
func (c *collector) narrowWrite(root ast.Stmt) {
	switch n := root.(type) {
	case *ast.UpdateStmt:
		if n.WithClause == nil && empty(n.FromClause) {
			c.rewritten(n.Relation, n.WhereClause, n.TargetList)
		}
	case *ast.DeleteStmt:
		if n.WithClause == nil && empty(n.UsingClause) {
			c.rewritten(n.Relation, n.WhereClause, nil)
		}
	case *ast.InsertStmt:
		if n.WithClause == nil && n.Override == ast.OVERRIDING_NOT_SET {
			c.added(n)
		}
	}
}

// rewritten takes the conditions on the rows of an UPDATE or DELETE.
func (c *collector) rewritten(relation *ast.RangeVar, where ast.Node, set *ast.NodeList) {
	if relation == nil || renames(relation.Alias) {
		return
	}
	nw := narrower{collector: c, alone: true, found: &c.Rewritten}
	nw.condition(where, []*ast.RangeVar{relation})
	c.leave(set)
}

// added takes the values of the one row of an INSERT.
func (c *collector) added(n *ast.InsertStmt) {
	values, _ := n.SelectStmt.(*ast.SelectStmt)
	columns, ok := targets(n.Cols)
	updates := n.OnConflictClause != nil && n.OnConflictClause.Action == ast.ONCONFLICT_UPDATE
	if !ok || updates || n.Relation == nil || values == nil || values.ValuesLists == nil || len(values.ValuesLists.Items) != 1 {
		return
	}
	row, _ := values.ValuesLists.Items[0].(*ast.NodeList)
	if row == nil || len(row.Items) != len(columns) {
		return
	}
	for i, item := range row.Items {
		if value, ok := valueOf(item); ok {
			value.Relation, value.Column, value.Assigned = relationName(n.Relation), columns[i], true
			c.Rewritten = append(c.Rewritten, value)
		}
	}
}

// leave takes away what is said of columns that are given other values, or of all if it can't be told which those are.
func (c *collector) leave(list *ast.NodeList) {
	if list == nil {
		return
	}
	others, known := targets(list)
	c.Rewritten = slices.DeleteFunc(c.Rewritten, func(n Narrowing) bool { return !known || slices.Contains(others, n.Column) })
}

// targets gives the names of the columns in a list of assignments, or of the columns of an INSERT. To assign to a part of a column
// is to assign to it.
func targets(list *ast.NodeList) (names []string, ok bool) {
	if list == nil {
		return nil, false
	}
	for _, item := range list.Items {
		target, _ := item.(*ast.ResTarget)
		if target == nil {
			return nil, false
		}
		names = append(names, truncated(target.Name))
	}
	return names, true
}
