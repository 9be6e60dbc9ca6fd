package statement

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// comparisons are the operators that SQL uses without naming them, as IN (subquery) and CASE x WHEN do.
var comparisons = []string{"=", "<>", "<", "<=", ">", ">="}

// systemColumns show storage, not data: two equal tables differ in them.
var systemColumns = map[string]bool{"ctid": true, "xmin": true, "xmax": true, "cmin": true, "cmax": true, "tableoid": true}

// lookups are the types whose input looks a name up in the catalogs, where the ledger does not see changes.
var lookups = map[string]bool{
	"regclass": true, "regcollation": true, "regconfig": true, "regdictionary": true, "regnamespace": true, "regoper": true,
	"aclitem": true, "regoperator": true, "regproc": true, "regprocedure": true, "regrole": true, "regtype": true,
}

// collect gathers the names in a SELECT, INSERT, UPDATE, DELETE, MERGE or TRUNCATE, and refuses it for whatever in it
// can't be cached.
func (s *Statement) collect(root ast.Stmt) {
	s.Names.Operators = slices.Clone(comparisons)
	if err := walk(root, s.visit); err != nil {
		*s = *opaque(s.Text, err.Error())
		return
	}
	s.Names.sort()
	s.checkLongNames()
}

// checkLongNames refuses relations named with a database. Such a name may be the target of a write, so that may be any.
func (s *Statement) checkLongNames() {
	firsts := longNames(s.Text)
	for _, r := range s.Names.Relations {
		if r.Schema == "" && firsts[r.Name] {
			s.refuse("a relation's name may have three parts")
			s.WritesAnything = s.WritesAnything || len(s.Writes) > 0
		}
	}
}

// visit looks at one node. The cases without a body are the syntax that is known to add nothing but its parts: a node
// that is not listed makes the statement uncacheable.
func (s *Statement) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.RangeVar:
		s.relation(n)
	case *ast.ColumnRef:
		s.column(n.Fields)
	case *ast.A_Indirection:
		s.column(n.Indirection)
	case *ast.FuncCall:
		s.function(n)
	case *ast.A_Expr:
		s.operator(n.Name)
	case *ast.SubLink:
		s.operator(n.OperName)
	case *ast.SortBy:
		s.operator(n.UseOp)
	case *ast.TypeCast:
		s.cast(n)
	case *ast.TypeName:
		s.typeName(n)
	case *ast.A_Const:
		s.literal(n)
	case *ast.InsertStmt:
		s.write(n.Relation)
	case *ast.UpdateStmt:
		s.write(n.Relation)
	case *ast.DeleteStmt:
		s.write(n.Relation)
	case *ast.MergeStmt:
		s.write(n.Relation)
	case *ast.TruncateStmt:
		s.truncate(n)
	case *ast.CommonTableExpr:
		s.CTEs = append(s.CTEs, n.Ctename)
	case *ast.IntoClause:
		s.refuse("SELECT INTO creates a table")
		s.WritesAnything, s.ChangesSchema, s.ChangesSession = true, true, true
	case *ast.LockingClause:
		s.refuse("it locks rows (FOR UPDATE or FOR SHARE)")
	case *ast.RangeTableSample:
		s.refuse("TABLESAMPLE gives other rows each time")
	case *ast.SQLValueFunction:
		s.refuse("it asks for the time or the user (CURRENT_DATE, CURRENT_USER and the like)")
	case *ast.CurrentOfExpr:
		s.refuse("it depends on a cursor")
	case *ast.SelectStmt, *ast.ResTarget, *ast.A_Star, *ast.String, *ast.Integer, *ast.Float, *ast.Boolean, *ast.BitString,
		*ast.Null, *ast.BoolExpr, *ast.ParenExpr, *ast.NullTest, *ast.BooleanTest, *ast.CaseExpr, *ast.CaseWhen,
		*ast.CoalesceExpr, *ast.MinMaxExpr, *ast.NamedArgExpr, *ast.CollateClause, *ast.RowExpr,
		*ast.A_ArrayExpr, *ast.ArrayExpr, *ast.A_Indices, *ast.ParamRef, *ast.Alias, *ast.JoinExpr, *ast.RangeSubselect, *ast.RangeFunction,
		*ast.WithClause, *ast.CTESearchClause, *ast.CTECycleClause, *ast.GroupingSet,
		*ast.GroupingFunc, *ast.WindowDef, *ast.NodeList, *ast.Identifier, *ast.ColumnDef:
	default:
		s.refuse(kindOf(n) + " is not known to be safe to cache")
	}
}

func (s *Statement) literal(n *ast.A_Const) {
	if str, ok := n.Val.(*ast.String); ok && NamesMoment(str.SVal) {
		s.refuse("a literal such as 'now' or 'today' depends on the time")
	}
}

// temporary tells whether a schema is the session's own. Its functions can't be found by name like others.
func temporary(schema string) bool { return strings.HasPrefix(schema, "pg_temp") }

func (s *Statement) relation(n *ast.RangeVar) {
	if temporary(n.SchemaName) {
		s.refuse("it reads a temporary table")
	}
	s.Names.Relations = append(s.Names.Relations, Name{truncated(n.SchemaName), truncated(n.RelName)})
}

func (s *Statement) write(n *ast.RangeVar) {
	s.refuse("it writes")
	if n == nil {
		s.WritesAnything = true
		return
	}
	s.Writes = append(s.Writes, Name{truncated(n.SchemaName), truncated(n.RelName)})
}

func (s *Statement) truncate(n *ast.TruncateStmt) {
	if n.Relations == nil {
		s.WritesAnything = true
		return
	}
	for _, r := range n.Relations.Items {
		rv, _ := r.(*ast.RangeVar)
		s.write(rv)
	}
}

// column takes the last part of a reference, which may be a function applied to a row, and looks for system columns.
func (s *Statement) column(fields *ast.NodeList) {
	for _, part := range parts(fields) {
		if systemColumns[part] {
			s.refuse("it reads the system column " + part)
		}
		s.Names.Columns = append(s.Names.Columns, part)
	}
}

func (s *Statement) function(n *ast.FuncCall) {
	name, ok := qualified(parts(n.Funcname))
	if !ok {
		s.refuse("a function's name has more than two parts")
		s.WritesAnything, s.ChangesSession = true, true
		return
	}
	if temporary(name.Schema) {
		s.refuse("it calls a temporary function")
		s.WritesAnything, s.ChangesSession = true, true
	}
	if readsText[name.Name] && !(n.Args != nil && len(n.Args.Items) == 1 && given(n.Args.Items[0])) {
		s.refuse("the function " + name.Name + " may read a text such as 'now'")
	}
	f := Function{Name: name, Args: -1}
	if name.Schema == "pg_catalog" {
		// The parser turns SUBSTRING(a, 1, 2) and the like into pg_catalog calls where PostgreSQL looks along the
		// search_path: without a schema both are found.
		f.Schema = ""
		s.Names.Functions = append(s.Names.Functions, Function{Name: name, Args: -1})
	}
	if n.Args != nil && !n.FuncVariadic && !n.AggWithinGroup {
		f.Args = len(n.Args.Items)
	} else if n.Args == nil && !n.AggStar && !n.AggWithinGroup {
		f.Args = 0
	}
	s.Names.Functions = append(s.Names.Functions, f)
}

func (s *Statement) operator(name *ast.NodeList) {
	if p := parts(name); len(p) > 0 {
		s.Names.Operators = append(s.Names.Operators, p[len(p)-1])
	}
}

func (s *Statement) typeName(n *ast.TypeName) {
	name, ok := qualified(parts(n.Names))
	if !ok || n.PctType {
		s.refuse("a type is named in a way that is not followed")
		return
	}
	if temporary(name.Schema) {
		s.refuse("it names a temporary type")
	}
	if lookups[name.Name] {
		s.refuse("the type " + name.Name + " looks names up in the catalogs")
	}
	s.Names.Types = append(s.Names.Types, name)
}

// parts are the strings of a dotted name; stars and subscripts are left out.
func parts(list *ast.NodeList) []string {
	if list == nil {
		return nil
	}
	var p []string
	for _, item := range list.Items {
		if str, ok := item.(*ast.String); ok {
			p = append(p, truncated(str.SVal))
		}
	}
	return p
}

// maxName is the longest name in bytes (NAMEDATALEN less one); PostgreSQL cuts longer ones.
const maxName = 63

// truncated cuts a name as PostgreSQL does, not inside a character.
func truncated(name string) string {
	if len(name) <= maxName {
		return name
	}
	end := maxName
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}

func qualified(p []string) (Name, bool) {
	switch len(p) {
	case 1:
		return Name{Name: p[0]}, true
	case 2:
		return Name{Schema: p[0], Name: p[1]}, true
	default:
		return Name{}, false
	}
}

// sort brings the names into one order, so that texts that differ in literals only have equal Names.
func (n *Names) sort() {
	byName := func(a, b Name) int {
		return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Name, b.Name))
	}
	n.Relations = sorted(n.Relations, byName)
	n.Types = sorted(n.Types, byName)
	n.Operators = sorted(n.Operators, strings.Compare)
	n.Columns = sorted(n.Columns, strings.Compare)
	n.Functions = sorted(n.Functions, func(a, b Function) int {
		return cmp.Or(byName(a.Name, b.Name), cmp.Compare(a.Args, b.Args))
	})
}

func sorted[T comparable](list []T, order func(a, b T) int) []T {
	slices.SortFunc(list, order)
	return slices.Compact(list)
}
