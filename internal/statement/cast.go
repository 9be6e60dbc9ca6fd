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

// cast refuses casts that may turn a text into the current time. A literal or a placeholder can be looked at; a text that
// is computed or comes out of a table can't. To a time with time zone even a literal takes the zone's offset of today.
func (s *Statement) cast(n *ast.TypeCast) {
	if n.TypeName == nil {
		s.refuse("a cast without a type")
		return
	}
	name, ok := qualified(parts(n.TypeName.Names))
	builtIn := name.Schema == "" || name.Schema == "pg_catalog"
	switch {
	case !ok || builtIn && plainTypes[name.Name]:
	case name.Name == "timetz":
		s.refuse("a cast to timetz takes the offset of today")
	case !given(n.Arg):
		s.refuse("a cast to " + name.String() + " of something computed may read a text such as 'now'")
	}
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
