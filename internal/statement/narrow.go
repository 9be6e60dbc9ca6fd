package statement

import (
	"slices"
	"strconv"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// Narrowing is a promise about a relation that a text names exactly once, in the FROM of one plain SELECT: those of its
// rows for which "Column = value" is not true could all be others, more or fewer, and the result would be the same. If the
// value is NULL that is said of all rows.
//
// The promise is about the text. It holds if the relation has a column of that name (else it may be a function of the
// row), if "=" is a strict operator, as every built-in one is, and for what is read under that name only: the same rows may
// be read by other ways, through a view, a function, a parent table or a policy. Equal is what "=" finds equal, in the
// types that PostgreSQL gives both sides: 1.0 is 1 for numbers, and 'A' is 'a' under some collations.
type Narrowing struct {
	// Relation is the relation as the text names it, and Column one of its columns.
	Relation Name
	Column   string
	// Kind says what the value is.
	Kind NarrowingKind
	// Param is the number of the placeholder that holds the value, when Kind is ByParam. Where else the placeholder
	// stands may decide about its type.
	Param int
	// Literal is the value as text otherwise.
	Literal string
	// Cast is the type that the value is cast to, or empty when it isn't.
	Cast Name
	// Assigned is set when the column is given the value and not compared with it: then it is converted to the column's type as
	// an assignment does it, which may cut it short.
	Assigned bool
}

// NarrowingKind is the kind of a value that a column is compared with.
type NarrowingKind int

// The kinds of a value.
const (
	// ByParam is a placeholder.
	ByParam NarrowingKind = iota + 1
	// ByString is a quoted literal: its type is the column's, unless it is cast.
	ByString
	// ByNumber is a number as it was written, with its sign.
	ByNumber
	// ByBool is true or false.
	ByBool
)

// narrower looks for narrowings in one SELECT.
type narrower struct {
	*collector
	// alone is set when the SELECT reads one relation and nothing else: then columns need no qualifier.
	alone bool
	found *[]Narrowing
}

// narrow finds the relations of which a SELECT reads certain rows only.
//
// Take a relation r in the FROM of the SELECT, and a row x of it for which r.c = v is not true. Whatever the joins are, the
// joined rows that hold another row of r don't depend on x: an outer join looks at each row of its one side apart from the
// others. Joined rows that hold no row of r, since an outer join found none, may depend on x. WHERE r.c = v lets only those
// pass that hold a row of r with r.c = v, so neither x nor what depends on it gets through. The same is true of an inner
// join that has r inside and r.c = v in its condition. All else in the statement sees what got through, and r nowhere else.
func (c *collector) narrow(n *ast.SelectStmt) {
	if n.Op != ast.SETOP_NONE || empty(n.FromClause) {
		return
	}
	nw := narrower{collector: c, found: &c.Narrowings}
	var relations []*ast.RangeVar
	for _, item := range n.FromClause.Items {
		relations = append(relations, nw.item(item)...)
	}
	if len(n.FromClause.Items) == 1 {
		_, nw.alone = n.FromClause.Items[0].(*ast.RangeVar)
	}
	nw.condition(n.WhereClause, relations)
}

// item takes the conditions of the inner joins in an item of FROM, and gives the relations that WHERE can speak of.
func (nw *narrower) item(n ast.Node) []*ast.RangeVar {
	switch n := n.(type) {
	case *ast.ParenExpr:
		return nw.item(n.Expr)
	case *ast.RangeVar:
		if nw.once(n) {
			return []*ast.RangeVar{n}
		}
	case *ast.JoinExpr:
		if n.Alias != nil || n.JoinUsingAlias != nil {
			return nil // it hides the names inside, or makes new ones
		}
		relations := slices.Concat(nw.item(n.Larg), nw.item(n.Rarg))
		if n.Jointype == ast.JOIN_INNER {
			nw.condition(n.Quals, relations)
		}
		return relations
	}
	return nil
}

// once tells whether a relation is named here and nowhere else, and its columns are called what they are called.
func (nw *narrower) once(n *ast.RangeVar) bool {
	name := truncated(n.RelName)
	return nw.scope.relations[name] == 1 && !slices.Contains(nw.CTEs, name) && !renames(n.Alias)
}

// condition takes the equalities that must all be true for a condition to be true.
func (nw *narrower) condition(n ast.Node, relations []*ast.RangeVar) {
	switch n := n.(type) {
	case *ast.ParenExpr:
		nw.condition(n.Expr, relations)
	case *ast.BoolExpr:
		if n.Boolop == ast.AND_EXPR && n.Args != nil {
			for _, arg := range n.Args.Items {
				nw.condition(arg, relations)
			}
		}
	case *ast.A_Expr:
		if op := parts(n.Name); n.Kind == ast.AEXPR_OP && len(op) == 1 && op[0] == "=" && n.Lexpr != nil && n.Rexpr != nil {
			nw.equality(n.Lexpr, n.Rexpr, relations)
			nw.equality(n.Rexpr, n.Lexpr, relations)
		}
	}
}

// equality takes column = value.
func (nw *narrower) equality(column, value ast.Node, relations []*ast.RangeVar) {
	ref := columnParts(column)
	narrowing, ok := valueOf(value)
	if len(ref) == 0 || !ok {
		return
	}
	for _, r := range relations {
		if nw.means(ref[:len(ref)-1], r) {
			narrowing.Relation, narrowing.Column = relationName(r), ref[len(ref)-1]
			*nw.found = append(*nw.found, narrowing)
		}
	}
}

// means tells whether what stands before a column's name means the relation.
func (nw *narrower) means(qualifier []string, r *ast.RangeVar) bool {
	name := relationName(r)
	switch len(qualifier) {
	case 0:
		return nw.alone
	case 1:
		if r.Alias != nil {
			return qualifier[0] == truncated(r.Alias.AliasName)
		}
		return qualifier[0] == name.Name
	default:
		return r.Alias == nil && qualifier[0] == name.Schema && qualifier[1] == name.Name
	}
}

// valueOf reads a literal that is not NULL, or a placeholder, cast at most once to a type that takes it as it is.
func valueOf(n ast.Node) (Narrowing, bool) {
	if cast, ok := n.(*ast.TypeCast); ok {
		to, ok := wholeType(cast.TypeName)
		v, isPlain := plainValue(cast.Arg)
		v.Cast = to
		return v, ok && isPlain
	}
	if paren, ok := n.(*ast.ParenExpr); ok {
		return valueOf(paren.Expr)
	}
	return plainValue(n)
}

func plainValue(n ast.Node) (v Narrowing, ok bool) {
	switch n := n.(type) {
	case *ast.ParenExpr:
		return plainValue(n.Expr)
	case *ast.ParamRef:
		return Narrowing{Kind: ByParam, Param: n.Number}, n.Number > 0
	case *ast.A_Expr:
		// PostgreSQL makes a minus before a number part of the number.
		c, _ := n.Rexpr.(*ast.A_Const)
		if op := parts(n.Name); n.Kind != ast.AEXPR_OP || n.Lexpr != nil || c == nil || len(op) != 1 || op[0] != "-" {
			return v, false
		}
		v, ok = plainValue(c)
		v.Literal = "-" + v.Literal
		return v, ok && v.Kind == ByNumber
	case *ast.A_Const:
		return literalValue(n)
	}
	return v, false
}

func literalValue(n *ast.A_Const) (Narrowing, bool) {
	if n.Isnull {
		return Narrowing{}, false
	}
	switch val := n.Val.(type) {
	case *ast.String:
		return Narrowing{Kind: ByString, Literal: val.SVal}, true
	case *ast.Integer:
		return Narrowing{Kind: ByNumber, Literal: strconv.Itoa(val.IVal)}, true
	case *ast.Float:
		return Narrowing{Kind: ByNumber, Literal: val.FVal}, true
	case *ast.Boolean:
		return Narrowing{Kind: ByBool, Literal: strconv.FormatBool(val.BoolVal)}, true
	default:
		return Narrowing{}, false
	}
}

// cutting are the types that keep only the beginning of a text.
var cutting = map[string]bool{"char": true, "bpchar": true, "bit": true, "name": true}

// wholeType gives the name of a built-in type that keeps the whole of a value, and is no array.
func wholeType(n *ast.TypeName) (Name, bool) {
	if n == nil || n.Setof || n.PctType || !empty(n.Typmods) || !empty(n.ArrayBounds) {
		return Name{}, false
	}
	name, ok := qualified(parts(n.Names))
	return name, ok && name.builtIn() && (plainTypes[name.Name] || readsText[name.Name]) && !cutting[name.Name]
}
