package conformance_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// describe gives a text that two values share only if a program can't tell them apart: it holds their Go types, the bits of
// floats and the locations of times, and follows pointers.
func describe(value any) string {
	if value == nil {
		return "nil"
	}
	var b strings.Builder
	describeTo(&b, reflect.ValueOf(value))
	return b.String()
}

func describeTo(b *strings.Builder, v reflect.Value) {
	if t, ok := interfaceOf(v).(time.Time); ok {
		b.WriteString(describeTime(t))
		return
	}
	if v.Kind() != reflect.Interface {
		b.WriteString(v.Type().String())
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("(nil)")
			return
		}
		describeTo(b, v.Elem())
	case reflect.Slice, reflect.Array:
		describeList(b, v)
	case reflect.Map:
		fmt.Fprintf(b, "%v", v) // fmt sorts the keys
	case reflect.Struct:
		b.WriteByte('{')
		for i := range v.NumField() {
			b.WriteString(v.Type().Field(i).Name + ":")
			describeTo(b, v.Field(i))
			b.WriteByte(' ')
		}
		b.WriteByte('}')
	case reflect.String:
		b.WriteString("(" + shorten(v.String()) + ")")
	case reflect.Float32, reflect.Float64:
		fmt.Fprintf(b, "(%v %#x)", v.Float(), math.Float64bits(v.Float()))
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		fmt.Fprintf(b, "(nil: %t)", v.IsNil())
	default:
		fmt.Fprintf(b, "(%v)", v)
	}
}

// interfaceOf gives a value that reflection may hand out, else nil.
func interfaceOf(v reflect.Value) any {
	if !v.CanInterface() {
		return nil
	}
	return v.Interface()
}

func describeList(b *strings.Builder, v reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice && v.IsNil():
		b.WriteString("(nil)")
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		b.WriteString("(" + shorten(string(v.Bytes())) + ")")
	default:
		b.WriteByte('[')
		for i := range v.Len() {
			describeTo(b, v.Index(i))
			b.WriteByte(' ')
		}
		b.WriteByte(']')
	}
}

// describeTime tells the two locations that everybody knows by their pointers; others by what they do.
func describeTime(t time.Time) string {
	name, offset := t.Zone()
	where := fmt.Sprintf("%s %d", name, offset)
	switch t.Location() {
	case time.UTC:
		where = "time.UTC"
	case time.Local:
		where = "time.Local"
	}
	return fmt.Sprintf("time.Time(%d-%s.%09d in %s)", t.Year(), t.Format("01-02 15:04:05"), t.Nanosecond(), where)
}

// shorten keeps a transcript readable: of a long text it gives the length and a hash.
func shorten(s string) string {
	if len(s) > 300 {
		return fmt.Sprintf("%d bytes, SHA-256 %x", len(s), sha256.Sum256([]byte(s)))
	}
	return fmt.Sprintf("%q", s)
}

// sentinels are the errors that programs compare with.
var sentinels = []error{
	sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, driver.ErrBadConn, driver.ErrSkip, context.Canceled, context.DeadlineExceeded,
}

// describeError gives all that a program can find out about an error: its text, what errors.Is and errors.As find in it, and
// the types of the errors that it wraps.
func describeError(err error) string {
	if err == nil {
		return "none"
	}
	text := fmt.Sprintf("%q", err)
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			text += fmt.Sprintf(" is %q", sentinel)
		}
	}
	if refusal := (*pgconn.PgError)(nil); errors.As(err, &refusal) {
		text += fmt.Sprintf(" from the server %+v", *refusal)
	}
	return text + fmt.Sprintf(" safe to retry %t timeout %t:%s", pgconn.SafeToRetry(err), pgconn.Timeout(err), errorTypes(err))
}

func errorTypes(err error) string {
	switch e := err.(type) { // each link of the chain is looked at by itself
	case nil:
		return ""
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
	now := time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	one, other := 1, 1
	for _, pair := range [][2]any{
		{int64(1), int32(1)},
		{int64(1), "1"},
		{nil, ""},
		{[]byte(nil), []byte{}},
		{[]byte("a"), "a"},
		{0.0, math.Copysign(0, -1)},
		{now, now.In(time.Local)},
		{now, now.In(time.FixedZone("UTC", 0))},
		{now, now.Add(1)},
		{[]any{"a b"}, []any{"a", "b"}},
		{&one, (*int)(nil)},
		{strings.Repeat("a", 1000), strings.Repeat("b", 1000)},
	} {
		if a, b := describe(pair[0]), describe(pair[1]); a == b {
			t.Errorf("%T and %T look alike: %s", pair[0], pair[1], a)
		}
	}
	if a, b := describe([]any{&one, math.NaN()}), describe([]any{&other, math.NaN()}); a != b {
		t.Errorf("equal values look different: %s and %s", a, b)
	}
}
