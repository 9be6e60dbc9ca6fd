package statement

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// Name is a possibly qualified name. Schema is empty when the text does not give one.
type Name struct{ Schema, Name string }

func (n Name) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// builtIn tells whether the name may stand for something that came with the server.
func (n Name) builtIn() bool { return n.Schema == "" || n.Schema == "pg_catalog" }

// Function is a function as it is called.
type Function struct {
	Name
	// Args is the number of arguments, or -1 when any overload may be meant.
	Args int
}

// String writes a function with the number of its arguments, as f/2.
func (f Function) String() string { return fmt.Sprintf("%s/%d", f.Name, f.Args) }

// Names are the names in a text, sorted and without repetition, so that equal sets are equal values.
type Names struct {
	Relations []Name
	Functions []Function
	Operators []string
	Types     []Name
	// Columns are the last parts of dotted column references: t.f may be a call of f(t), of a row.
	Columns []string
	// Fields are the parts after an expression: (x).f may be a call of f(x), or a cast of x to f.
	Fields []string
	// Casts are the last names of columns that are cast to a date, a time or a range of such, which may read a text as
	// the current time. Nothing is read so when each of them, in every relation that has it, is of a type that is no
	// text, some relation has it, and no function of that name takes a row (the name is in Columns too if it was dotted).
	Casts []string
}

// OwnOperators tells whether operators are used beyond the comparisons that every statement may use.
func (n *Names) OwnOperators() bool { return len(n.Operators) > len(comparisons) }

// Question is one text for all that the catalog is asked about the statement. Statements that differ in literals only
// have the same; no two that could get other answers do.
func (s *Statement) Question() string {
	n := &s.Names
	var b []byte
	list := func(length int, fields func(i int) []string) {
		b = binary.AppendUvarint(b, uint64(length))
		for i := range length {
			for _, f := range fields(i) {
				b = binary.AppendUvarint(b, uint64(len(f)))
				b = append(b, f...)
			}
		}
	}
	names := func(l []Name) { list(len(l), func(i int) []string { return []string{l[i].Schema, l[i].Name} }) }
	names(n.Relations)
	names(n.Types)
	names(s.Writes)
	list(len(n.Functions), func(i int) []string {
		return []string{n.Functions[i].Schema, n.Functions[i].Name.Name, strconv.Itoa(n.Functions[i].Args)}
	})
	list(len(n.Operators), func(i int) []string { return n.Operators[i : i+1] })
	list(len(n.Columns), func(i int) []string { return n.Columns[i : i+1] })
	list(len(n.Fields), func(i int) []string { return n.Fields[i : i+1] })
	list(len(n.Casts), func(i int) []string { return n.Casts[i : i+1] })
	return string(b)
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

// truncated cuts a name as PostgreSQL does, not inside a character. The parser has cut quoted names, but anywhere.
func truncated(name string) string {
	if len(name) < maxName {
		return name
	}
	name = name[:maxName]
	last := maxName - 1
	for last > 0 && !utf8.RuneStart(name[last]) {
		last--
	}
	if utf8.FullRuneInString(name[last:]) {
		return name
	}
	return name[:last]
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
	n.Operators = unique(n.Operators)
	n.Columns = unique(n.Columns)
	n.Fields = unique(n.Fields)
	n.Casts = unique(n.Casts)
	n.Functions = sorted(n.Functions, func(a, b Function) int {
		return cmp.Or(byName(a.Name, b.Name), cmp.Compare(a.Args, b.Args))
	})
}

func unique(list []string) []string { return sorted(list, strings.Compare) }

func sorted[T comparable](list []T, order func(a, b T) int) []T {
	slices.SortFunc(list, order)
	return slices.Compact(list)
}
