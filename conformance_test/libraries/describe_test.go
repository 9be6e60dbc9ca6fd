package libraries_test

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// describe gives what a program can see of a value: the types, and what is behind its pointers and in its exported fields.
func describe(value any) string {
	var text strings.Builder
	describeTo(&text, reflect.ValueOf(value))
	return text.String()
}

func describeTo(text *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		text.WriteString("nil")
		return
	}
	if moment, ok := reflect.TypeAssert[time.Time](v); ok {
		text.WriteString(describeTime(moment))
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			fmt.Fprintf(text, "%s(nil)", v.Type())
			return
		}
		text.WriteByte('&')
		describeTo(text, v.Elem())
	case reflect.Slice, reflect.Array, reflect.Map:
		describeMany(text, v)
	case reflect.Struct:
		fmt.Fprintf(text, "%s{", v.Type())
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				text.WriteString(field.Name + ":")
				describeTo(text, v.Field(i))
				text.WriteByte(' ')
			}
		}
		text.WriteByte('}')
	default:
		fmt.Fprintf(text, "%s(%#v)", v.Type(), v)
	}
}

func describeMany(text *strings.Builder, v reflect.Value) {
	text.WriteString(v.Type().String())
	switch {
	case v.Kind() != reflect.Array && v.IsNil():
		text.WriteString("(nil)")
	case v.Kind() == reflect.Map:
		text.WriteByte('{')
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(describe(a.Interface()), describe(b.Interface())) })
		for _, key := range keys {
			describeTo(text, key)
			text.WriteByte(':')
			describeTo(text, v.MapIndex(key))
			text.WriteByte(' ')
		}
		text.WriteByte('}')
	case v.Type().Elem().Kind() == reflect.Uint8:
		fmt.Fprintf(text, "(%q)", v)
	default:
		text.WriteByte('[')
		for i := range v.Len() {
			describeTo(text, v.Index(i))
			text.WriteByte(' ')
		}
		text.WriteByte(']')
	}
}

// describeTime tells the two locations that everybody knows by their pointers; others by what they do.
func describeTime(t time.Time) string {
	where := t.Format("MST -0700")
	switch t.Location() {
	case time.UTC:
		where = "time.UTC"
	case time.Local:
		where = "time.Local"
	}
	return fmt.Sprintf("time.Time(%s in %s)", t.Format("2006-01-02 15:04:05.999999999"), where)
}

// describeError gives what a program can see of an error: its text, its types, what the server said, and whether it is
// what database/sql gives for no rows and for a transaction that ended.
func describeError(err error) string {
	text := fmt.Sprintf("%q%s", err, errorTypes(err))
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		text += fmt.Sprintf(" from the server %+v", *refusal)
	}
	return fmt.Sprintf("%s, no rows %t, transaction done %t, safe to retry %t", text,
		errors.Is(err, sql.ErrNoRows), errors.Is(err, sql.ErrTxDone), pgconn.SafeToRetry(err))
}

func errorTypes(err error) string {
	switch e := err.(type) { // each link of the chain is looked at by itself
	case nil:
		return ""
	case *pgconn.PrepareError:
		// pgcache prepares again, after a change of the tables, what pgx has prepared long ago.
		return errorTypes(e.Unwrap())
	case interface{ Unwrap() []error }:
		text := fmt.Sprintf(" %T(", e)
		for _, each := range e.Unwrap() {
			text += errorTypes(each)
		}
		return text + ")"
	default:
		return fmt.Sprintf(" %T", err) + errorTypes(errors.Unwrap(err))
	}
}

// TestDescribe shows what a transcript tells apart.
func TestDescribe(t *testing.T) {
	type model struct{ Value any }
	one, other := 1, 1
	for _, pair := range [][2]any{
		{1, int64(1)},
		{nil, ""},
		{[]byte(nil), []byte{}},
		{[]byte("a"), "a"},
		{model{1}, model{2}},
		{model{&one}, model{one}},
		{[]any{1, 2}, []any{1}},
		{map[string]any{"a": 1}, map[string]any{"a": 2}},
		{noon, noon.Local()},
		{noon.Local(), noon.Local().In(time.FixedZone("+0545", 345*60))},
	} {
		if a, b := describe(pair[0]), describe(pair[1]); a == b {
			t.Errorf("%#v and %#v are both described as %s", pair[0], pair[1], a)
		}
	}
	if a, b := describe(&one), describe(&other); a != b {
		t.Errorf("two pointers to the same are described as %s and %s", a, b)
	}
	wrapped := fmt.Errorf("reading: %w", sql.ErrNoRows)
	if a, b := describeError(wrapped), describeError(errors.New(wrapped.Error())); a == b {
		t.Errorf("an error that wraps another is described as one that doesn't: %s", a)
	}
}
