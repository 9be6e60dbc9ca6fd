package statement

import "github.com/multigres/multigres/go/common/parser/ast"

// plainTypes are the types whose input and whose casts never ask for the time: a cast to one of them may have any operand.
// They go by the names that the parser gives them.
var plainTypes = map[string]bool{
	"int2": true, "int4": true, "int8": true, "float4": true, "float8": true, "numeric": true, "bool": true, "oid": true,
	"text": true, "varchar": true, "bpchar": true, "char": true, "name": true, "bytea": true, "uuid": true, "bit": true, "varbit": true,
	"json": true, "jsonb": true, "jsonpath": true, "inet": true, "cidr": true, "macaddr": true, "macaddr8": true, "interval": true,
	"money": true, "point": true, "line": true, "lseg": true, "box": true, "path": true, "polygon": true, "circle": true,
	"int4range": true, "int8range": true, "numrange": true, "int4multirange": true, "int8multirange": true, "nummultirange": true,
	"tsvector": true, "tsquery": true,
}

// readsText are the types that can be written like a function of one argument and may read a text as the current time.
var readsText = map[string]bool{
	"date": true, "time": true, "timetz": true, "timestamp": true, "timestamptz": true,
	"tsrange": true, "tstzrange": true, "daterange": true,
	"tsmultirange": true, "tstzmultirange": true, "datemultirange": true,
}

// offsetOfToday is why casts to a time with time zone are refused: even a literal takes the zone's offset of today.
const offsetOfToday = "a cast to timetz takes the offset of today"

// mayReadText is why other casts are.
const mayReadText = " may read a text such as 'now': only a column of a table, a literal or a placeholder can be judged"

// columnCast is a cast of a column to a type that may read a text as the current time.
type columnCast struct{ column, reason string }

// cast refuses casts that may turn a text into the current time. A literal or a placeholder can be looked at, and the
// catalog knows the type of a column; a text that is computed can't be judged.
func (c *collector) cast(n *ast.TypeCast) {
	if n.TypeName == nil {
		c.refuse("there is a cast without a type")
		return
	}
	name, ok := qualified(parts(n.TypeName.Names))
	switch {
	case !ok || name.builtIn() && plainTypes[name.Name] || lookups[name.Name]: // typeName has the word on the last
	case name.Name == "timetz":
		c.refuse(offsetOfToday)
	case !given(n.Arg):
		c.castComputed(n.Arg, name)
	}
}

// callToCast does the same for a cast that is written like a call: date(x). With two arguments or more it is none.
func (c *collector) callToCast(n *ast.FuncCall, name Name) {
	if !readsText[name.Name] {
		return
	}
	args := 0
	if n.Args != nil {
		args = len(n.Args.Items)
	}
	switch {
	case name.Name == "timetz":
		c.refuse(offsetOfToday)
	case n.FuncVariadic:
		c.refuse("the function " + name.Name + " may read a text such as 'now'")
	case args == 1 && !given(n.Args.Items[0]):
		c.castComputed(n.Args.Items[0], name)
	}
}

// castComputed looks at the operand of a cast that may read a text as the current time.
func (c *collector) castComputed(operand ast.Node, to Name) {
	reason := "the cast to " + to.String() + mayReadText
	column := columnOf(operand)
	if column == "" || !to.builtIn() || !readsText[to.Name] {
		c.refuse(reason)
		return
	}
	c.casts = append(c.casts, columnCast{column, reason})
}

// judgeCasts leaves the casts of columns to the catalog when all columns are those of relations that the text names.
// Anything else may have columns of its own making.
func (c *collector) judgeCasts() {
	for _, cast := range c.casts {
		if c.scope.others {
			c.refuse(cast.reason)
		}
		c.Names.Casts = append(c.Names.Casts, cast.column)
	}
}

// columnOf gives the last name of a column reference, in parentheses or not, and nothing for other expressions.
func columnOf(n ast.Node) string {
	if p := columnParts(n); len(p) > 0 {
		return p[len(p)-1]
	}
	return ""
}

// columnParts gives the parts of a column reference of up to three, in parentheses or not, and nothing for other
// expressions.
func columnParts(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.ParenExpr:
		return columnParts(n.Expr)
	case *ast.ColumnRef:
		p := parts(n.Fields)
		if n.Fields == nil || len(p) != len(n.Fields.Items) || len(p) > 3 {
			return nil
		}
		return p
	}
	return nil
}

// given tells whether an expression is a literal or a placeholder, under casts to plain types or none.
func given(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.A_Const, *ast.ParamRef:
		return true
	case *ast.ParenExpr:
		return given(n.Expr)
	default:
		return false
	}
}
