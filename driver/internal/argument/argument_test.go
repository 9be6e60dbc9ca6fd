package argument

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"
)

// list makes arguments as database/sql gives them.
func list(values ...any) []driver.NamedValue {
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}

type (
	id     int64
	other  int64
	name   string
	raw    []byte
	broken struct{}
	silent struct{}
	says   string
)

func (broken) Value() (driver.Value, error) { return nil, errors.New("no") }
func (silent) Value() (driver.Value, error) { panic("no") }
func (s says) String() string               { return string(s) }

var (
	berlin = time.FixedZone("CET", 3600)
	noon   = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
)

// No two of these are sent alike, or would be if the server took a parameter for another type.
func TestAppendTellsApart(t *testing.T) {
	seen := make(map[string]int)
	for i, args := range [][]driver.NamedValue{
		list(), list(nil), list(nil, nil), list(int64(1)), list(1), list(int32(1)), list(uint64(1)), list(1.0), list(true), list("1"),
		list([]byte("1")), list(id(1)), list(other(1)), list(name("1")), list(raw("1")), list(""), list([]byte{}), list([]byte(nil)),
		list("a", "b"), list("ab", ""), list("", "ab"), list("ab"), list("asb"), list(0.0), list(math.Copysign(0, -1)), list(math.NaN()),
		list(noon), list(noon.In(berlin)), list(noon.In(time.FixedZone("", 3600))), list(noon.Add(1)), list(time.Time{}),
		list([]int64{}), list([]int64(nil)), list([]int64{1}), list([]int64{1, 1}), list([]int32{1}), list([1]int64{1}),
		list([]string{"a", "b"}), list([]string{"ab", ""}), list([][]byte{nil}), list([][]byte{{}}),
		list(new("1")), list((*string)(nil)), list((*int64)(nil)), list(sql.NullString{}), list(sql.NullString{String: "1", Valid: true}),
		list(sql.NullInt64{Int64: 1, Valid: true}), list(pgtype.Int8{Int64: 1, Valid: true}), list(netip.MustParseAddr("1.1.1.1")),
		list(netip.MustParsePrefix("1.1.1.1/32")), list(says("1")),
	} {
		b, ok := Append(nil, args)
		if !ok {
			t.Errorf("%v can't be told apart", args)
		}
		if before, taken := seen[string(b)]; taken {
			t.Errorf("lists %d and %d look alike", before, i)
		}
		seen[string(b)] = i
	}
}

// What may be sent otherwise the next time, or otherwise than it looks, is not told apart from anything.
func TestAppendRefuses(t *testing.T) {
	for _, value := range []any{
		"now", " Today ", []byte("tomorrow"), name("yesterday"), says("now"),
		[]string{"a", "now"},
		broken{},
		silent{},
		struct{ A int }{},
		map[string]int{},
		[]any{1},
		[][]int{{1}},
		new(new(1)), make(chan int),
		pgtype.Range[pgtype.Int8]{},
	} {
		if _, ok := Append(nil, list(value)); ok {
			t.Errorf("%T %v is told apart", value, value)
		}
	}
}

// A time that has a reading of the monotonic clock prints another text than one that has none.
func TestAppendMonotonic(t *testing.T) {
	now := time.Now()
	a, _ := Append(nil, list(now))
	b, _ := Append(nil, list(now.Round(0)))
	if bytes.Equal(a, b) {
		t.Error("they look alike")
	}
	if _, ok := Pack(list(now)); ok {
		t.Error("it is packed")
	}
}

// anyValue draws a value of the common types.
func anyValue() *rapid.Generator[any] {
	zone := rapid.SampledFrom([]*time.Location{time.UTC, berlin, time.FixedZone("", -5400)})
	return rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Int64().AsAny(), rapid.Int().AsAny(), rapid.Bool().AsAny(), rapid.String().AsAny(),
		rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.Custom(func(t *rapid.T) any { return math.Float64frombits(rapid.Uint64().Draw(t, "bits")) }),
		rapid.Custom(func(t *rapid.T) any {
			return time.Unix(rapid.Int64Range(-1<<36, 1<<36).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone.Draw(t, "zone"))
		}),
	)
}

// What was packed, sent and unpacked has the key material that it had, and so is asked for the same.
func TestPackKeepsMaterial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		args := list(rapid.SliceOfN(anyValue(), 0, 4).Draw(t, "args")...)
		packed, ok := Pack(args)
		if !ok {
			t.Fatalf("%v can't be packed", args)
		}
		sent, err := json.Marshal(packed)
		if err != nil {
			t.Fatal(err)
		}
		var got []Packed
		if err := json.Unmarshal(sent, &got); err != nil {
			t.Fatal(err)
		}
		before, _ := Append(nil, args)
		after, _ := Append(nil, Unpack(got))
		if !bytes.Equal(before, after) {
			t.Fatalf("%v came back as %v", args, Unpack(got))
		}
	})
}

// What JSON would change is not packed.
func TestPackRefuses(t *testing.T) {
	for _, value := range []any{"\xff", []byte(nil), int32(1), id(1), new(1), []string{"a"}} {
		if _, ok := Pack(list(value)); ok {
			t.Errorf("%T %v is packed", value, value)
		}
	}
}

func TestPlain(t *testing.T) {
	args, mode, ok := Plain(list(pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol, 1, 2))
	if !ok || mode != pgx.QueryExecModeSimpleProtocol || len(args) != 2 {
		t.Errorf("%v, mode %v, %v", args, mode, ok)
	}
	if args, mode, ok = Plain(list(1, pgx.QueryExecModeExec)); !ok || mode != 0 || len(args) != 2 {
		t.Errorf("an option that does not lead: %v, mode %v, %v", args, mode, ok)
	}
	for _, option := range []any{pgx.QueryResultFormats{1}, pgx.QueryResultFormatsByOID{1: 1}, pgx.NamedArgs{"a": 1}} {
		if _, _, ok := Plain(list(option)); ok {
			t.Errorf("%T is plain", option)
		}
	}
}

type rewriter struct{}

func (rewriter) RewriteQuery(_ context.Context, _ *pgx.Conn, sql string, args []any) (string, []any, error) {
	return sql, args, nil
}

func TestRewrites(t *testing.T) {
	for _, c := range []struct {
		args []driver.NamedValue
		want bool
	}{
		{list(), false},
		{list(1, rewriter{}), false},
		{list(rewriter{}), true},
		{list(pgx.QueryExecModeExec, pgx.QueryResultFormats{1}, rewriter{}, 1), true},
		{list(pgx.NamedArgs{"a": 1}), false},
		{list(pgx.NamedArgs{"a": 1}, rewriter{}), true}, // the last counts
		{list(pgx.StrictNamedArgs{"a": 1}), false},
	} {
		if got := Rewrites(c.args); got != c.want {
			t.Errorf("%v: %v", c.args, got)
		}
	}
}

func TestConstant(t *testing.T) {
	if !Constant(list(nil, int64(1), 1, "a", true, 1.0, noon)) {
		t.Error("values are constant")
	}
	if Asked(list(nil, int64(1), "a", noon, []byte("a"))) {
		t.Error("values are asked")
	}
	for _, value := range []any{[]byte("a"), new(1), []int{1}, sql.NullString{}} {
		if _, bytes := value.([]byte); Constant(list(value)) || Asked(list(value)) == bytes {
			t.Errorf("%T is constant, or not asked", value)
		}
	}
}

func FuzzAppendTexts(f *testing.F) {
	f.Add("a", "b", "ay\x01b", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		one, _ := Append(nil, list(a, []byte(b)))
		two, _ := Append(nil, list(c, []byte(d)))
		if bytes.Equal(one, two) != (a == c && b == d) {
			t.Errorf("%q, %q and %q, %q", a, b, c, d)
		}
	})
}
