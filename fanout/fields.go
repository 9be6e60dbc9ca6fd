package fanout

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// field is where a column goes in a struct.
type field struct {
	index     []int  // as for reflect.Value.FieldByIndex
	path      string // Embedded.Name
	typ       reflect.Type
	ambiguous bool // another field has the name at the same depth
}

// plans keeps the fields for (struct type, columns). Programs have few; one that
// makes column names up is kept in bounds by starting over.
var (
	plans     sync.Map // planKey -> []field
	planCount atomic.Int64
)

const maxPlans = 4096

type planKey struct {
	typ     reflect.Type
	columns string
}

// fieldsFor returns the field of each column.
func fieldsFor(t reflect.Type, columns []string) ([]field, error) {
	key := planKey{t, strings.Join(columns, "\x00")}
	if plan, ok := plans.Load(key); ok {
		return plan.([]field), nil
	}
	plan, err := planFields(t, columns)
	if err != nil {
		return nil, err
	}
	if planCount.Add(1) > maxPlans {
		plans.Clear()
		planCount.Store(1)
	}
	plans.Store(key, plan)
	return plan, nil
}

func planFields(t reflect.Type, columns []string) ([]field, error) {
	if err := distinct(columns); err != nil {
		return nil, err
	}
	tagged, named := namesOf(t)
	plan := make([]field, len(columns))
	for i, column := range columns {
		f, ok := tagged[column]
		if !ok {
			f, ok = named[folded(column)]
		}
		switch {
		case !ok:
			return nil, fmt.Errorf("fanout: column %q has no field in %v: name one so, or tag it `db:%q`", column, t, column)
		case f.ambiguous:
			return nil, fmt.Errorf("fanout: column %q has more than one field in %v", column, t)
		case f.typ == rawBytesType:
			return nil, errRawBytes
		case !isScalar(pointee(f.typ)):
			return nil, fmt.Errorf("fanout: column %q into %v.%s: a column can't be read into %v", column, t, f.path, f.typ)
		}
		plan[i] = f
	}
	return plan, nil
}

func distinct(columns []string) error {
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		if seen[c] {
			return fmt.Errorf("fanout: two columns of the result are named %q", c)
		}
		seen[c] = true
	}
	return nil
}

// folded makes user_id and UserID the same name.
func folded(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

// embedded is a struct whose fields are still to be listed.
type embedded struct {
	typ   reflect.Type
	index []int
	path  string
}

// namesOf lists the fields of t by tag and by folded name, level by level as Go
// promotes them: the field nearest the surface has the name.
func namesOf(t reflect.Type) (tagged, named map[string]field) {
	tagged, named = make(map[string]field), make(map[string]field)
	seen := map[reflect.Type]bool{t: true}
	for level := []embedded{{typ: t}}; len(level) > 0; {
		var below []embedded
		levelTagged, levelNamed := make(map[string]field), make(map[string]field)
		for _, e := range level {
			below = append(below, listFields(e, levelTagged, levelNamed, seen)...)
		}
		keepOuter(tagged, levelTagged)
		keepOuter(named, levelNamed)
		level = below
	}
	return tagged, named
}

func keepOuter(outer, deeper map[string]field) {
	for name, f := range deeper {
		if _, taken := outer[name]; !taken {
			outer[name] = f
		}
	}
}

// listFields enters the fields of one struct and returns those it embeds.
func listFields(e embedded, tagged, named map[string]field, seen map[reflect.Type]bool) []embedded {
	var below []embedded
	for i := range e.typ.NumField() {
		sf := e.typ.Field(i)
		tag := sf.Tag.Get("db")
		f := field{index: append(slices.Clip(e.index), i), path: e.path + sf.Name, typ: sf.Type}
		inside := pointee(sf.Type)
		switch {
		case tag == "-":
		case sf.Anonymous && tag == "" && inside.Kind() == reflect.Struct && !isScalar(inside):
			// A pointer to an unexported struct can't be filled from outside its package.
			if !seen[inside] && (sf.IsExported() || sf.Type.Kind() == reflect.Struct) {
				seen[inside] = true
				below = append(below, embedded{inside, f.index, f.path + "."})
			}
		case !sf.IsExported():
		case tag != "":
			enter(tagged, tag, f)
		default:
			enter(named, folded(sf.Name), f)
		}
	}
	return below
}

func enter(fields map[string]field, name string, f field) {
	if _, taken := fields[name]; taken {
		f.ambiguous = true
	}
	fields[name] = f
}

// fieldOf is the field at index, with embedded pointers allocated on the way.
func fieldOf(v reflect.Value, index []int) reflect.Value {
	for i, n := range index {
		if i > 0 {
			v = inner(v)
		}
		v = v.Field(n)
	}
	return v
}
