//go:build go1.27

package rowset

import (
	"database/sql"
	"reflect"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

var (
	scannerType      = reflect.TypeFor[sql.Scanner]()
	arraySetterType  = reflect.TypeFor[pgtype.ArraySetter]()
	bytesScannerType = reflect.TypeFor[pgtype.BytesScanner]()
	clockType        = reflect.TypeFor[time.Time]()
)

// convertibleTypes remembers convertible's answers: reflect.Type to bool.
var convertibleTypes sync.Map

// convertible reports whether database/sql converts into destinations of type t, rather than pgx scanning into them. The rule
// is stdlib's: the destination, or what it points to through any number of pointers, is a sql.Scanner, a scalar, a byte slice,
// an interface or a kind of time.Time, and no type of pgx's own comes first.
func convertible(t reflect.Type) bool {
	if known, ok := convertibleTypes.Load(t); ok {
		return known.(bool)
	}
	answer := decideConvertible(t)
	convertibleTypes.Store(t, answer)
	return answer
}

func decideConvertible(t reflect.Type) bool {
	seen := make(map[reflect.Type]bool)
	for ; ; t = t.Elem() {
		switch {
		case t.Implements(scannerType):
			return true
		case t.Implements(arraySetterType), t.Implements(bytesScannerType):
			return false
		case t.Kind() != reflect.Pointer:
			return convertibleElement(t)
		case seen[t]: // a pointer type that leads back to itself
			return false
		}
		seen[t] = true
	}
}

func convertibleElement(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem().Kind() == reflect.Uint8
	case reflect.Struct:
		return t.ConvertibleTo(clockType)
	case reflect.String, reflect.Interface:
		return true
	default:
		return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64 && t.Kind() != reflect.Uintptr
	}
}
