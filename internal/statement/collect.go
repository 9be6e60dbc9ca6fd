package statement

import (
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

// collector gathers what one statement names. What depends on more than one place in the tree is judged when all of it has
// been seen.
type collector struct {
	*Statement
	scope scope
	// dotted are the column references of two parts or more.
	dotted [][]string
	// casts are those of columns to types that may read a text as the current time.
	casts []columnCast
}

// collect gathers the names in a SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE or COPY, and refuses it for whatever in it
// can't be cached.
func (s *Statement) collect(root ast.Stmt) {
	s.Names.Operators = slices.Clone(comparisons)
	c := &collector{Statement: s}
	w := walker{node: c.visit}
	if err := w.walk(root); err != nil {
		*s = *opaque(s.Text, err.Error())
		return
	}
	c.judgeDotted()
	c.judgeCasts()
	s.Names.sort()
	s.Settings = unique(s.Settings)
	if n, ok := root.(*ast.SelectStmt); ok && s.Cacheable() {
		c.narrow(n)
	}
	if !s.WritesAnything {
		c.narrowWrite(root)
	}
}

// visit looks at one node. The cases without a body are the syntax that is known to add nothing but its parts: a node
// that is not listed makes the statement uncacheable.
func (c *collector) visit(n ast.Node) {
	c.scope.see(n)
	switch n := n.(type) {
	case *ast.RangeVar:
		c.relation(n)
	case *ast.ColumnRef:
		c.column(n)
	case *ast.A_Indirection:
		c.field(parts(n.Indirection))
	case *ast.FuncCall:
		c.function(n)
	case *ast.A_Expr:
		c.operator(n.Name)
	case *ast.SubLink:
		c.operator(n.OperName)
	case *ast.SortBy:
		c.operator(n.UseOp)
	case *ast.TypeCast:
		c.cast(n)
	case *ast.TypeName:
		c.typeName(n)
	case *ast.A_Const:
		c.literal(n)
	case *ast.InsertStmt:
		c.write(n.Relation)
	case *ast.UpdateStmt:
		c.write(n.Relation)
	case *ast.DeleteStmt:
		c.write(n.Relation)
	case *ast.MergeStmt:
		c.write(n.Relation)
	case *ast.TruncateStmt:
		c.truncate(n)
	case *ast.CommonTableExpr:
		c.CTEs = append(c.CTEs, truncated(n.Ctename))
	case *ast.IntoClause:
		c.refuse("SELECT INTO creates a table")
		c.WritesAnything, c.ChangesSchema, c.ChangesSession = true, true, true
	case *ast.LockingClause:
		c.refuse("it locks rows (" + lockWords[n.Strength] + ")")
	case *ast.RangeTableSample:
		c.refuse("TABLESAMPLE gives other rows each time")
	case *ast.SQLValueFunction:
		c.sqlValue(n)
	case *ast.CurrentOfExpr:
		c.refuse("CURRENT OF depends on a cursor")
	case *ast.SelectStmt, *ast.ResTarget, *ast.A_Star, *ast.String, *ast.Integer, *ast.Float, *ast.Boolean, *ast.BitString,
		*ast.Null, *ast.BoolExpr, *ast.ParenExpr, *ast.NullTest, *ast.BooleanTest, *ast.CaseExpr, *ast.CaseWhen,
		*ast.CoalesceExpr, *ast.MinMaxExpr, *ast.NamedArgExpr, *ast.CollateClause, *ast.RowExpr,
		*ast.A_ArrayExpr, *ast.ArrayExpr, *ast.A_Indices, *ast.ParamRef, *ast.Alias, *ast.JoinExpr, *ast.RangeSubselect, *ast.RangeFunction,
		*ast.WithClause, *ast.CTESearchClause, *ast.CTECycleClause, *ast.GroupingSet,
		*ast.GroupingFunc, *ast.WindowDef, *ast.NodeList, *ast.Identifier, *ast.ColumnDef:
	default:
		c.refuse(expressionWords(n) + " is not known to be safe to cache")
	}
}

var lockWords = map[ast.LockClauseStrength]string{
	ast.LCS_FORKEYSHARE: "FOR KEY SHARE", ast.LCS_FORSHARE: "FOR SHARE",
	ast.LCS_FORNOKEYUPDATE: "FOR NO KEY UPDATE", ast.LCS_FORUPDATE: "FOR UPDATE",
}

// sqlMoments are what SQL asks for the time without looking like a call.
var sqlMoments = map[ast.SQLValueFunctionOp]string{
	ast.SVFOP_CURRENT_DATE: "CURRENT_DATE", ast.SVFOP_CURRENT_TIME: "CURRENT_TIME", ast.SVFOP_CURRENT_TIME_N: "CURRENT_TIME",
	ast.SVFOP_CURRENT_TIMESTAMP: "CURRENT_TIMESTAMP", ast.SVFOP_CURRENT_TIMESTAMP_N: "CURRENT_TIMESTAMP",
	ast.SVFOP_LOCALTIME: "LOCALTIME", ast.SVFOP_LOCALTIME_N: "LOCALTIME",
	ast.SVFOP_LOCALTIMESTAMP: "LOCALTIMESTAMP", ast.SVFOP_LOCALTIMESTAMP_N: "LOCALTIMESTAMP",
}

// identities are what SQL asks the session for without looking like a call: the user, the database, the schema.
var identities = map[ast.SQLValueFunctionOp]bool{
	ast.SVFOP_CURRENT_ROLE: true, ast.SVFOP_CURRENT_USER: true, ast.SVFOP_USER: true, ast.SVFOP_SESSION_USER: true,
	ast.SVFOP_CURRENT_CATALOG: true, ast.SVFOP_CURRENT_SCHEMA: true,
}

// sqlValue lets those pass that ask who the session is: no entry is for a session of another identity.
func (c *collector) sqlValue(n *ast.SQLValueFunction) {
	if word := sqlMoments[n.Op]; word != "" {
		c.refuse(word + " asks for the time: pass it as an argument")
	} else if !identities[n.Op] {
		c.refuse("a value is asked for in a way that is not known")
	}
}

func (c *collector) literal(n *ast.A_Const) {
	if str, ok := n.Val.(*ast.String); ok && NamesMoment(str.SVal) {
		c.refuse("the literal " + quote(str.SVal) + " may mean the current time, as 'now' and 'today' do")
	}
}

// quote writes a literal, or its beginning, for a reason.
func quote(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return "'" + s + "'"
}

// temporary tells whether a schema is the session's own. Its functions can't be found by name like others.
func temporary(schema string) bool { return strings.HasPrefix(schema, "pg_temp") }

func (c *collector) relation(n *ast.RangeVar) {
	name := relationName(n)
	if temporary(name.Schema) {
		c.refuse("it names the temporary relation " + name.String())
	}
	c.Names.Relations = append(c.Names.Relations, name)
}

func relationName(n *ast.RangeVar) Name { return Name{truncated(n.SchemaName), truncated(n.RelName)} }

func (s *Statement) write(n *ast.RangeVar) {
	if n == nil {
		s.refuse("it writes")
		s.WritesAnything = true
		return
	}
	s.refuse("it writes to " + relationName(n).String())
	s.Writes = append(s.Writes, relationName(n))
}

func (c *collector) truncate(n *ast.TruncateStmt) {
	if n.Relations == nil {
		c.write(nil)
		return
	}
	for _, r := range n.Relations.Items {
		rv, _ := r.(*ast.RangeVar)
		c.write(rv)
	}
}

// column looks for system columns and takes the last part of a dotted reference, which may be a function of a row. What
// comes after a subscript, as in a[1].b, is a field.
func (c *collector) column(n *ast.ColumnRef) {
	if n.Fields == nil {
		return
	}
	items := n.Fields.Items
	if i := slices.IndexFunc(items, isSubscript); i >= 0 {
		c.field(parts(&ast.NodeList{Items: items[i:]}))
		items = items[:i]
	}
	names := parts(&ast.NodeList{Items: items})
	for _, name := range names {
		if systemColumns[name] {
			c.refuse("it reads the system column " + name)
		}
	}
	if len(names) > 1 && len(names) == len(items) {
		c.Names.Columns = append(c.Names.Columns, names[len(names)-1])
		c.dotted = append(c.dotted, names)
	}
}

func isSubscript(n ast.Node) bool {
	_, ok := n.(*ast.A_Indices)
	return ok
}

// judgeDotted takes the references for fields that may be one of a function's result: f.x is x(f) where f is a function
// in FROM that returns no row.
func (c *collector) judgeDotted() {
	for _, parts := range c.dotted {
		if c.scope.mayCall(parts) {
			c.field(parts[len(parts)-1:])
		}
	}
}

// field takes the parts after an expression, which may be functions of it, or casts.
func (c *collector) field(parts []string) {
	for _, part := range parts {
		if systemColumns[part] || readsText[part] {
			c.refuse("the field " + part + " may be a system column or a cast of a text such as 'now'")
		}
		if part == "current_setting" {
			c.ComputedSetting = true
		}
	}
	c.Names.Fields = append(c.Names.Fields, parts...)
}

func (c *collector) function(n *ast.FuncCall) {
	name, ok := qualified(parts(n.Funcname))
	if !ok {
		c.refuse("the name of the function " + strings.Join(parts(n.Funcname), ".") + " has more than two parts: leave the database out")
		c.WritesAnything, c.ChangesSession = true, true
		return
	}
	if temporary(name.Schema) {
		c.refuse("it calls the temporary function " + name.String())
		c.WritesAnything, c.ChangesSession = true, true
	}
	c.callToCast(n, name)
	c.callToSetting(n, name)
	f := Function{Name: name, Args: -1}
	if name.Schema == "pg_catalog" {
		// The parser turns SUBSTRING(a, 1, 2) and the like into pg_catalog calls where PostgreSQL looks along the
		// search_path: without a schema both are found.
		f.Schema = ""
		c.Names.Functions = append(c.Names.Functions, Function{Name: name, Args: -1})
	}
	if n.Args != nil && !n.FuncVariadic && !n.AggWithinGroup {
		f.Args = len(n.Args.Items)
	} else if n.Args == nil && !n.AggStar && !n.AggWithinGroup {
		f.Args = 0
	}
	c.Names.Functions = append(c.Names.Functions, f)
}

func (c *collector) operator(name *ast.NodeList) {
	if p := parts(name); len(p) > 0 {
		c.Names.Operators = append(c.Names.Operators, p[len(p)-1])
	}
}

func (c *collector) typeName(n *ast.TypeName) {
	name, ok := qualified(parts(n.Names))
	if !ok || n.PctType {
		c.refuse("the type " + strings.Join(parts(n.Names), ".") + " is named in a way that is not followed")
		return
	}
	if temporary(name.Schema) {
		c.refuse("it names the temporary type " + name.String())
	}
	if lookups[name.Name] {
		c.refuse("the type " + name.Name + " looks names up in the system catalogs")
	}
	c.Names.Types = append(c.Names.Types, name)
}
