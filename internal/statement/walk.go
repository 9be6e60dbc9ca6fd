package statement

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/multigres/multigres/go/common/parser/ast"
)

// maxDepth bounds the recursion over a tree. Real statements stay below a few hundred; PostgreSQL's own stack check stops
// near ten thousand.
const maxDepth = 4000

var errTooDeep = errors.New("the statement is nested too deeply")

// walker goes through a tree, parents first. It goes through the fields by reflection, so that a field that the parser
// gains one day can't be overlooked: that would be a table read and not seen. A text is walked twice.
type walker struct {
	node func(ast.Node)
	// word is called for every string in the tree, if it is set.
	word func(string)
}

func (w *walker) walk(root ast.Node) error { return w.value(reflect.ValueOf(root), 0) }

func (w *walker) value(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return errTooDeep
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return w.value(v.Elem(), depth)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		if shapeOf(v.Type()).node {
			w.node(v.Interface().(ast.Node))
		}
		return w.value(v.Elem(), depth+1)
	case reflect.Struct:
		for _, i := range shapeOf(v.Type()).fields {
			if err := w.value(v.Field(i), depth); err != nil {
				return err
			}
		}
		return nil
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := w.value(v.Index(i), depth); err != nil {
				return err
			}
		}
		return nil
	case reflect.String:
		if w.word != nil {
			w.word(v.String())
		}
		return nil
	default:
		if !flat(v.Kind()) {
			return fmt.Errorf("the statement has a part of a kind that is not followed (%s)", v.Type())
		}
		return nil
	}
}

// shape is what the walker has to know of a type.
type shape struct {
	node   bool  // it is a node
	fields []int // of a struct: the exported ones that hold more than a number
}

var (
	shapes   sync.Map // reflect.Type -> *shape
	nodeType = reflect.TypeFor[ast.Node]()
)

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := &shape{node: t.Implements(nodeType)}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && !flat(f.Type.Kind()) {
				s.fields = append(s.fields, i)
			}
		}
	}
	shapes.Store(t, s)
	return s
}

// flat tells whether values of a kind are numbers of some sort: nothing can hide in them.
func flat(k reflect.Kind) bool { return reflect.Bool <= k && k <= reflect.Complex128 }
