package statement

import (
	"errors"
	"reflect"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// maxDepth bounds the recursion over a tree. Real statements stay below a few hundred; PostgreSQL's own stack check stops
// near ten thousand.
const maxDepth = 4000

var errTooDeep = errors.New("the statement is nested too deeply")

var nodeType = reflect.TypeFor[ast.Node]()

// walk calls visit for every node of a tree, parents first. It goes through the fields by reflection, so that a field that
// the parser gains one day can't be overlooked: that would be a table read and not seen. A text is walked once.
func walk(root ast.Node, visit func(ast.Node)) error {
	return walkValue(reflect.ValueOf(root), 0, visit)
}

func walkValue(v reflect.Value, depth int, visit func(ast.Node)) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return walkValue(v.Elem(), depth, visit)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		if v.Type().Implements(nodeType) {
			visit(v.Interface().(ast.Node))
		}
		return walkValue(v.Elem(), depth+1, visit)
	case reflect.Struct:
		return walkFields(v, depth, visit)
	case reflect.Slice:
		for i := range v.Len() {
			if err := walkValue(v.Index(i), depth, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

func walkFields(v reflect.Value, depth int, visit func(ast.Node)) error {
	t := v.Type()
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			continue
		}
		if err := walkValue(v.Field(i), depth, visit); err != nil {
			return err
		}
	}
	return nil
}
