package conformance_test

import (
	"database/sql"
	"encoding/json"
	"math"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// argument is a value that is sent as a parameter of a type.
type argument struct {
	name, typeName string
	value          any
}

var (
	kathmandu = time.FixedZone("", 5*3600+45*60)
	moment    = time.Date(2024, 2, 29, 12, 34, 56, 789_012_345, kathmandu)
	uuid      = [16]byte{0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11}
	number    = 7
	word      = "word"
	noNumber  *int
	noWord    *string
)

// plainArguments are of the types that most programs use.
var plainArguments = []argument{
	{"int", "int", 7},
	{"int as text", "text", 7},
	{"int64 as int2", "int2", int64(7)},
	{"too large an int", "int2", 70000},
	{"int8", "int", int8(-7)},
	{"uint64", "int8", uint64(7)},
	{"too large a uint64", "int8", uint64(math.MaxUint64)},
	{"largest uint64 as numeric", "numeric", uint64(math.MaxUint64)},
	{"rune", "text", 'x'},
	{"float64", "float8", 0.1},
	{"float32", "float4", float32(0.1)},
	{"float32 as float8", "float8", float32(0.1)},
	{"NaN", "float8", math.NaN()},
	{"minus zero", "float8", math.Copysign(0, -1)},
	{"infinite", "float8", math.Inf(-1)},
	{"float64 as numeric", "numeric", 1.5},
	{"float64 as int", "int", 1.5},
	{"bool", "bool", true},
	{"bool as text", "text", true},
	{"string", "text", "word"},
	{"empty string", "text", ""},
	{"string as varchar", "varchar(2)", "word"},
	{"string as bpchar", "char(6)", "word"},
	{"string as bytea", "bytea", `\x00ff`},
	{"string as int", "int", "7"},
	{"string as int that is none", "int", "seven"},
	{"string as uuid", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
	{"string as jsonb", "jsonb", `{"a": 1}`},
	{"string as date", "date", "2024-02-29"},
	{"string as inet", "inet", "192.168.0.1"},
	{"string as an array", "text[]", `{a,"b c",NULL}`},
	{"string with NUL", "text", "a\x00b"},
	{"string that is not UTF-8", "text", "\xff"},
	{"string with quotes", "text", `'"\ $1 --`},
	{"bytes", "bytea", []byte{0, 1, 255}},
	{"empty bytes", "bytea", []byte{}},
	{"nil bytes", "bytea", []byte(nil)},
	{"bytes as text", "text", []byte("abc")},
	{"bytes as jsonb", "jsonb", []byte(`{"a": 1}`)},
	{"bytes as json", "json", []byte(`{"a": 1}`)},
	{"bytes as uuid", "uuid", uuid[:]},
	{"RawBytes", "text", sql.RawBytes("abc")},
	{"time as timestamptz", "timestamptz", moment},
	{"time as timestamp", "timestamp", moment},
	{"time as date", "date", moment},
	{"time as text", "text", moment},
	{"time as time", "time", moment},
	{"zero time", "timestamptz", time.Time{}},
	{"nil", "text", nil},
	{"nil as int", "int", nil},
	{"pointer to int", "int", &number},
	{"nil pointer to int", "int", noNumber},
	{"pointer to string", "text", &word},
	{"nil pointer to string", "text", noWord},
	{"NullString", "text", sql.NullString{String: "word", Valid: true}},
	{"NULL NullString", "text", sql.NullString{String: "ignored"}},
	{"NullInt64", "int8", sql.NullInt64{Int64: 7, Valid: true}},
	{"NULL NullInt64", "int8", sql.NullInt64{}},
	{"NullTime", "timestamptz", sql.NullTime{Time: moment, Valid: true}},
	{"NullBool", "bool", sql.NullBool{Valid: true}},
	{"NullFloat64", "float8", &sql.NullFloat64{Float64: 1.5, Valid: true}},
	{"Null of a kind", "int", sql.Null[int32]{V: 7, Valid: true}},
	{"a name that is ignored", "int", sql.Named("p", 7)},
}

// nativeArguments are those that pgx takes and database/sql alone does not.
var nativeArguments = []argument{
	{"slice of int32", "int[]", []int32{1, 2}},
	{"slice of int as int8[]", "int8[]", []int{1, 2}},
	{"slice of string", "text[]", []string{"a", "b,c", "", "NULL"}},
	{"empty slice", "text[]", []string{}},
	{"nil slice", "text[]", []string(nil)},
	{"slice of float64", "float8[]", []float64{1.5, math.Inf(1)}},
	{"slice of bool", "bool[]", []bool{true, false}},
	{"slice of bytes", "bytea[]", [][]byte{{1}, {}, nil}},
	{"slice of time", "timestamptz[]", []time.Time{moment}},
	{"slice of UUID", "uuid[]", [][16]byte{uuid}},
	{"array of int", "int[]", [2]int{1, 2}},
	{"slice of netip.Addr", "inet[]", []netip.Addr{netip.MustParseAddr("::1")}},
	{"UUID", "uuid", uuid},
	{"netip.Addr", "inet", netip.MustParseAddr("192.168.0.1")},
	{"IPv6 netip.Addr", "inet", netip.MustParseAddr("2001:db8::1")},
	{"netip.Addr as cidr", "cidr", netip.MustParseAddr("192.168.0.1")},
	{"netip.Addr as text", "text", netip.MustParseAddr("192.168.0.1")},
	{"zero netip.Addr", "inet", netip.Addr{}},
	{"netip.Prefix", "cidr", netip.MustParsePrefix("192.168.0.0/24")},
	{"netip.Prefix as inet", "inet", netip.MustParsePrefix("192.168.0.1/24")},
	{"net.IP", "inet", net.IPv4(192, 168, 0, 1)},
	{"net.IPNet", "inet", net.IPNet{IP: net.IPv4(192, 168, 0, 0).To4(), Mask: net.CIDRMask(24, 32)}},
	{"net.HardwareAddr", "macaddr", net.HardwareAddr{8, 0, 43, 1, 2, 3}},
	{"Duration as interval", "interval", 90 * time.Minute},
	{"Duration as int8", "int8", 90 * time.Minute},
	{"Duration as text", "text", 90 * time.Minute},
	{"big.Int", "numeric", new(big.Int).Lsh(big.NewInt(1), 100)},
	{"map as jsonb", "jsonb", map[string]any{"a": 1, "b": []int{2}}},
	{"map as json", "json", map[string]any{"a": 1, "b": []int{2}}},
	{"map as text", "text", map[string]string{"a": "b"}},
	{"struct as jsonb", "jsonb", struct{ A, B int }{1, 2}},
	{"pointer to struct as jsonb", "jsonb", &struct{ A int }{1}},
	{"slice as jsonb", "jsonb", []int{1, 2}},
	{"RawMessage", "jsonb", json.RawMessage(`{"a":1}`)},
	{"RawMessage as text", "text", json.RawMessage(`{"a":1}`)},
	{"function", "text", func() {}},
	{"pointer to pointer", "int", new(&number)},
	{"pgtype.Int4", "int", pgtype.Int4{Int32: 7, Valid: true}},
	{"NULL pgtype.Int4", "int", pgtype.Int4{}},
	{"pgtype.Text", "text", pgtype.Text{String: "word", Valid: true}},
	{"pgtype.Bool", "bool", pgtype.Bool{Bool: true, Valid: true}},
	{"pgtype.Numeric", "numeric", pgtype.Numeric{Int: big.NewInt(-12345), Exp: -3, Valid: true}},
	{"pgtype.Numeric NaN", "numeric", pgtype.Numeric{NaN: true, Valid: true}},
	{"pgtype.UUID", "uuid", pgtype.UUID{Bytes: uuid, Valid: true}},
	{"pgtype.Date", "date", pgtype.Date{Time: moment, Valid: true}},
	{"infinite pgtype.Date", "date", pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true}},
	{"pgtype.Timestamp", "timestamp", pgtype.Timestamp{Time: moment, Valid: true}},
	{"pgtype.Timestamptz", "timestamptz", pgtype.Timestamptz{Time: moment, Valid: true}},
	{"pgtype.Interval", "interval", pgtype.Interval{Months: 1, Days: 2, Microseconds: 3, Valid: true}},
	{"pgtype.Time", "time", pgtype.Time{Microseconds: 3, Valid: true}},
	{"pgtype.Point", "point", pgtype.Point{P: pgtype.Vec2{X: 1, Y: 2}, Valid: true}},
	{"pgtype.Bits", "varbit", pgtype.Bits{Bytes: []byte{0xb0}, Len: 4, Valid: true}},
	{"pgtype.Range", "int4range", pgtype.Range[pgtype.Int4]{
		Lower: pgtype.Int4{Int32: 1, Valid: true}, Upper: pgtype.Int4{Int32: 5, Valid: true},
		LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true,
	}},
	{"pgtype.Array", "int[]", pgtype.Array[int32]{
		Elements: []int32{1, 2, 3, 4}, Dims: []pgtype.ArrayDimension{{Length: 2, LowerBound: 1}, {Length: 2, LowerBound: 1}}, Valid: true,
	}},
	{"pgtype.FlatArray", "text[]", pgtype.FlatArray[string]{"a", "b"}},
	{"slice of slices", "int[]", [][]int32{{1, 2}, {3, 4}}},
	{"slice of pointers", "text[]", []*string{&word, nil}},
	{"slice of any", "int[]", []any{1, nil}},
	{"pgtype.PreallocBytes", "bytea", pgtype.PreallocBytes{1, 2}},
}

// TestPlainArguments and TestNativeArguments send each argument twice.
func TestPlainArguments(t *testing.T)  { sendEach(t, plainArguments) }
func TestNativeArguments(t *testing.T) { sendEach(t, nativeArguments) }

// sendEach sends arguments, each as what its type is and as what it says. What succeeds is cached if the argument can be
// told apart from others; that it isn't mistaken for another is the matter of TestKeysApart.
func sendEach(t *testing.T, arguments []argument) {
	t.Helper()
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		succeeded, cached := 0, 0
		for _, a := range arguments {
			t.Run(a.name, func(t *testing.T) {
				before := p.stats(t)
				seen := p.both(t, whatever, func(s *subject) {
					s.query(s.db, "select $1::"+a.typeName+" as v, id from items where id = 1", a.value)
				})
				if strings.Contains(seen, "ended: none") {
					succeeded++
				}
				if p.stats(t)["hits"] > before["hits"] {
					cached++
				}
			})
		}
		if succeeded < len(arguments)*2/3 || cached < succeeded*2/3 {
			t.Errorf("of %d arguments pgx took %d, and %d were cached", len(arguments), succeeded, cached)
		}
	})
}
