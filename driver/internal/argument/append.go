package argument

import (
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/internal/statement"
)

// Append adds arguments to key material: of each its Go type and its value, so that two that pgx could send differently never look
// alike. It reports false for what can't be told apart that way.
func Append(room []byte, args []driver.NamedValue) (_ []byte, ok bool) {
	// room stays where it is: were it passed on to what calls itself, the compiler would put it on the heap.
	b := room
	for _, arg := range args {
		var plain bool
		if b, plain, ok = appendPlain(b, arg.Value); !plain {
			var other []byte
			other, ok = appendOther(nil, arg.Value)
			b = append(b, other...)
		}
		if !ok {
			return b, false
		}
	}
	return b, true
}

// appendOne is Append for one argument.
func appendOne(b []byte, value any) ([]byte, bool) {
	if b, plain, ok := appendPlain(b, value); plain {
		return b, ok
	}
	return appendOther(b, value)
}

// appendPlain is appendOne for the types that most arguments are of, and reports whether it is one of those.
func appendPlain(b []byte, value any) (_ []byte, plain, ok bool) {
	switch v := value.(type) {
	case nil:
		return append(b, 'n'), true, true
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v)), true, true
	case string:
		return AppendText(append(b, 's'), v), true, !statement.NamesMoment(v)
	case bool:
		return append(b, 'b', boolByte(v)), true, true
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v)), true, true
	case int:
		return binary.BigEndian.AppendUint64(append(b, 'j'), uint64(v)), true, true
	case []byte:
		b, ok = appendBytes(append(b, 'y'), v)
		return b, true, ok
	case time.Time:
		return appendTime(append(b, 't'), v), true, true
	case netip.Addr:
		return AppendText(append(b, 'a'), v.String()), true, true
	case netip.Prefix:
		return AppendText(append(b, 'p'), v.String()), true, true
	default:
		return b, false, false
	}
}

// AppendText adds a text to key material, led by its length.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendBytes keeps nil, which pgx sends as NULL, apart from empty.
func appendBytes(b, v []byte) ([]byte, bool) {
	if v == nil {
		return append(b, 0), true
	}
	return AppendText(append(b, 1), string(v)), !statement.NamesMoment(string(v))
}

// appendTime takes the wall clock and the offset: a timestamp takes only the one, a timestamptz the instant that both make.
// A text takes what String gives, with the zone's name and the reading of the monotonic clock.
func appendTime(b []byte, t time.Time) []byte {
	zone, offset := t.Zone()
	b = AppendText(b, zone)
	if t != t.Round(0) {
		b = AppendText(b, t.String())
	}
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
	return binary.BigEndian.AppendUint32(b, uint32(int32(offset)))
}

func boolByte(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// appendOther adds a value of a type of the caller's. The type's full name goes first, since it decides how pgx encodes
// what follows.
func appendOther(b []byte, value any) ([]byte, bool) {
	if valuer, ok := value.(driver.Valuer); ok && !encodesItself(reflect.TypeOf(value)) {
		return appendValuer(b, valuer)
	}
	if encodesItself(reflect.TypeOf(value)) {
		return b, false // pgx asks it for another value than we would see
	}
	if s, ok := value.(fmt.Stringer); ok && saysMoment(s) {
		return b, false // for a text pgx sends what String gives
	}
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer {
		b = appendType(append(b, '*'), v.Type())
		if v.IsNil() {
			return append(b, 0), true
		}
		if v.Elem().Kind() == reflect.Pointer {
			return b, false
		}
		return appendOne(append(b, 1), v.Elem().Interface())
	}
	// Two types that are declared inside functions may have the same name.
	return appendKind(append(appendType(append(b, 'k'), v.Type()), byte(v.Kind())), v)
}

// saysMoment tells whether String gives a moment that moves, or does not give anything.
func saysMoment(s fmt.Stringer) (says bool) {
	defer func() { says = says || recover() != nil }()
	return statement.NamesMoment(s.String())
}

// appendValuer asks a driver.Valuer as pgx will. One that fails or panics is pgx's to report.
func appendValuer(b []byte, valuer driver.Valuer) (_ []byte, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	t := reflect.TypeOf(valuer)
	b = appendType(append(b, 'v'), t)
	if v := reflect.ValueOf(valuer); v.Kind() == reflect.Pointer && v.IsNil() && t.Elem().Implements(valuerType) {
		return append(b, 'n'), true // pgx does not ask a nil whose method wants a value
	}
	value, err := valuer.Value()
	if err != nil || !driver.IsValue(value) {
		return b, false
	}
	return appendOne(b, value)
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// encodings remembers by type what encodesItself found.
var encodings sync.Map // reflect.Type -> bool

// encodesItself tells whether a type of the caller's has one of the methods by which pgx asks a value for its parts: they
// come before Value and before the value itself. They are told by their names, which all end alike.
func encodesItself(t reflect.Type) bool {
	if known, ok := encodings.Load(t); ok {
		return known.(bool)
	}
	encodes := false
	for method := range t.Methods() {
		name := method.Name
		encodes = encodes || name != "Value" && strings.HasSuffix(name, "Value") ||
			name == "IsNull" || name == "Dimensions" || name == "Index" || name == "Bounds"
	}
	path := t.PkgPath()
	if t.Kind() == reflect.Pointer {
		path = t.Elem().PkgPath()
	}
	encodes = encodes && path != "database/sql" && path != "github.com/jackc/pgx/v5/pgtype"
	encodings.Store(t, encodes)
	return encodes
}

// appendType adds a type's name with its package's path: two packages may have the same name.
func appendType(b []byte, t reflect.Type) []byte {
	return AppendText(AppendText(b, t.PkgPath()), t.String())
}

// appendKind adds the bits of a basic value, or of a list of them.
func appendKind(b []byte, v reflect.Value) ([]byte, bool) {
	switch v.Kind() {
	case reflect.Bool:
		return append(b, boolByte(v.Bool())), true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.BigEndian.AppendUint64(b, uint64(v.Int())), true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.BigEndian.AppendUint64(b, v.Uint()), true
	case reflect.Float32, reflect.Float64:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float())), true
	case reflect.String:
		return AppendText(b, v.String()), !statement.NamesMoment(v.String())
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendBytes(b, v.Bytes())
		}
		if v.IsNil() {
			return append(b, 0), true
		}
		return appendList(append(b, 1), v)
	case reflect.Array:
		return appendList(b, v)
	default:
		return b, false
	}
}

// appendList adds the elements of a list. Lists of lists and of pointers are left out: they may hold themselves.
func appendList(b []byte, v reflect.Value) (_ []byte, ok bool) {
	switch elem := v.Type().Elem(); elem.Kind() {
	case reflect.Array, reflect.Interface, reflect.Pointer:
		return b, false
	case reflect.Slice:
		if elem.Elem().Kind() != reflect.Uint8 {
			return b, false
		}
	}
	b = binary.AppendUvarint(b, uint64(v.Len()))
	for i := range v.Len() {
		if b, ok = appendOne(b, v.Index(i).Interface()); !ok {
			return b, false
		}
	}
	return b, true
}
