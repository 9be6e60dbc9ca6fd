package statement

import (
	"slices"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// scope is what stands in the FROM lists of a text, all of them together: which list a name is looked up in is not
// followed, so a name counts for whatever it stands for in any of them.
type scope struct {
	// relations counts how often each relation is named, whatever its schema.
	relations map[string]int
	// rows are the names of what has columns: relations, subselects, joins.
	rows map[string]bool
	// functions are the names of functions, each with the names that its columns are given. Where there are none, and
	// the function returns no row, the name stands for its result.
	functions map[string][][]string
	// unnamed is set when there is a function whose name is not known.
	unnamed bool
	// others is set when a column may be one of something else than a relation that is named in the text.
	others bool
}

func (sc *scope) see(n ast.Node) {
	switch n := n.(type) {
	case *ast.RangeVar:
		sc.relation(n)
	case *ast.RangeSubselect:
		sc.others = true
		sc.named(n.Alias)
	case *ast.JoinExpr:
		sc.named(n.Alias)
		sc.named(n.JoinUsingAlias)
		sc.others = sc.others || n.JoinUsingAlias != nil || renames(n.Alias)
	case *ast.RangeFunction:
		sc.others = true
		sc.function(n)
	case *ast.CommonTableExpr, *ast.RangeTableFunc, *ast.RangeTableSample:
		sc.others = true
	case *ast.SelectStmt:
		sc.others = sc.others || !empty(n.ValuesLists)
	}
}

func (sc *scope) relation(n *ast.RangeVar) {
	if sc.relations == nil {
		sc.relations = make(map[string]int)
	}
	sc.relations[truncated(n.RelName)]++
	sc.others = sc.others || renames(n.Alias)
	if n.Alias != nil {
		sc.named(n.Alias)
		return
	}
	sc.row(truncated(n.RelName))
}

func (sc *scope) named(alias *ast.Alias) {
	if alias != nil {
		sc.row(truncated(alias.AliasName))
	}
}

func (sc *scope) row(name string) {
	if sc.rows == nil {
		sc.rows = make(map[string]bool)
	}
	sc.rows[name] = true
}

// renames tells whether an alias gives columns other names.
func renames(alias *ast.Alias) bool { return alias != nil && !empty(alias.ColNames) }

func (sc *scope) function(n *ast.RangeFunction) {
	name, ok := functionAlias(n)
	if !ok {
		sc.unnamed = true
		return
	}
	var columns []string
	if n.Alias != nil {
		columns = parts(n.Alias.ColNames)
	}
	if n.ColDefList != nil {
		for _, item := range n.ColDefList.Items {
			if def, ok := item.(*ast.ColumnDef); ok {
				columns = append(columns, truncated(def.Colname))
			}
		}
	}
	if sc.functions == nil {
		sc.functions = make(map[string][][]string)
	}
	sc.functions[name] = append(sc.functions[name], columns)
}

// functionAlias is the name of a function in FROM: its alias, or that of the first one called.
func functionAlias(n *ast.RangeFunction) (string, bool) {
	if n.Alias != nil {
		return truncated(n.Alias.AliasName), true
	}
	if empty(n.Functions) {
		return "", false
	}
	first, ok := n.Functions.Items[0].(*ast.NodeList)
	if !ok || empty(first) {
		return "", false
	}
	call, ok := first.Items[0].(*ast.FuncCall)
	if !ok {
		return "", false
	}
	// Calls in SQL's own syntax, such as EXTRACT(... FROM ...), come out with a schema that the text does not have.
	name, ok := qualified(parts(call.Funcname))
	return name.Name, ok && name.Schema != "pg_catalog"
}

// mayCall tells whether a dotted reference may be a call of its last part with the result of a function, as x.upper is
// upper(x) in SELECT x.upper FROM lower('A') x. Where x is a row that is possible too, but only for functions of rows.
func (sc *scope) mayCall(parts []string) bool {
	if len(sc.functions) == 0 && !sc.unnamed {
		return false
	}
	name, last := parts[len(parts)-2], parts[len(parts)-1]
	results, isFunction := sc.functions[name]
	if sc.unnamed || !isFunction {
		return sc.unnamed || !sc.rows[name]
	}
	return slices.ContainsFunc(results, func(columns []string) bool {
		if len(columns) == 0 {
			return last != name // the column of a result without columns is named as the result
		}
		return !slices.Contains(columns, last)
	})
}
