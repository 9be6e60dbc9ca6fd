package rowset

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// A sample is a type, a format, and bytes to send in it: good ones, odd ones and wrong ones.
type sample struct {
	name   string
	oid    uint32
	format int16
	values [][]byte
}

func (s sample) field() pgconn.FieldDescription {
	return pgconn.FieldDescription{
		Name: s.name, TableOID: 16384, TableAttributeNumber: 3,
		DataTypeOID: s.oid, DataTypeSize: -1, TypeModifier: -1, Format: s.format,
	}
}

func texts(values ...string) [][]byte {
	all := make([][]byte, len(values))
	for i, v := range values {
		all[i] = []byte(v)
	}
	return all
}

func be16(values ...int16) (all [][]byte) {
	for _, v := range values {
		all = append(all, binary.BigEndian.AppendUint16(nil, uint16(v)))
	}
	return all
}

func be32(values ...int64) (all [][]byte) {
	for _, v := range values {
		all = append(all, binary.BigEndian.AppendUint32(nil, uint32(v)))
	}
	return all
}

func be64(values ...int64) (all [][]byte) {
	for _, v := range values {
		all = append(all, binary.BigEndian.AppendUint64(nil, uint64(v)))
	}
	return all
}

// wrong are lengths that no binary value of a fixed width has.
var wrong = [][]byte{{}, {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4, 5}, {1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}

var (
	int64s = be64(0, 1, -1, 127, 255, 256, math.MaxInt32, math.MaxInt64, math.MinInt64)
	int32s = be32(0, 1, -1, 255, 256, math.MaxInt32, math.MinInt32)
	// The ends of what pgtype takes for a time, and what lies just beyond them.
	micros = be64(0, 1, -1, 999_999, -999_999, 1_000_000, -1_000_001, 757_382_400_123_456, -946_684_800_000_000,
		firstMicro, firstMicro-1, firstMicro+1, endOfMicros, endOfMicros-1,
		math.MaxInt64, math.MinInt64, math.MaxInt64-1, math.MinInt64+1)
	days = be32(0, 1, -1, 9000, -730_119, firstDay, firstDay-1, firstDay+1, endOfDays, endOfDays-1,
		math.MaxInt32, math.MinInt32, math.MaxInt32-1, math.MinInt32+1)
	float64s = be64(0, math.MinInt64, 0x7ff0000000000000, -0x10000000000000, 0x7ff8000000000001, 0x7ff0000000000001, 1,
		int64(math.Float64bits(1.5)), int64(math.Float64bits(-math.Pi)), int64(math.Float64bits(math.MaxFloat64)))
	float32s = be32(0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001, 1,
		int64(math.Float32bits(1.1)), int64(math.Float32bits(math.MaxFloat32)))
	words = texts("", " ", "a", "héllo wörld", "NULL", "null", "{}", "\x00", "\xff\xfe", string(make([]byte, 5000)))
	dates = texts("2024-02-29", "0001-01-01", "0044-03-15 BC", "5874897-12-31", "5874898-01-01", "4714-11-24 BC",
		"4714-11-23 BC", "infinity", "-infinity", "29.02.2024", "", "2024-02-30", "2024-02-29 00:00:00")
	stamps = texts("2024-02-29 12:34:56", "2024-02-29 12:34:56.123456", "0044-03-15 00:00:00 BC", "infinity", "-infinity",
		"294276-12-31 23:59:59.999999", "294277-01-01 00:00:00", "Thu Feb 29 2024", "", "2024-02-29 12:34:56+02")
	zoned = texts("2024-02-29 12:34:56+00", "2024-02-29 12:34:56.5-03:30", "1890-01-01 00:00:00+00:53:28", "infinity",
		"-infinity", "0044-03-15 00:00:00+00 BC", "2024-02-29 12:34:56", "now", "")
	numbers  = texts("0", "1", "-1", "+7", "007", "-0", "32767", "32768", "2147483648", "-9223372036854775808", "9223372036854775808", "4294967295", "4294967296", "", "x", "1.5", "1_000")
	decimals = texts("0", "-0", "NaN", "Infinity", "-Infinity", "1.1", "1e309", "3.4028235e+38", "1e39", "0x1p-2", "", "x")
	bools    = texts("t", "f", "true", "no", "on", "1", "0", "T", " y ", "", "maybe")
	hexes    = texts(`\x`, `\x00ff`, `\xDEADbeef`, `\x0`, `\xzz`, `abc`, "", `\`)
)

// samples holds every type that stdlib has a case for in both formats, and enough others.
var samples = []sample{
	{"bool", pgtype.BoolOID, 1, [][]byte{{0}, {1}, {2}, {255}}},
	{"int2", pgtype.Int2OID, 1, be16(0, 1, -1, 255, 256, math.MaxInt16, math.MinInt16)},
	{"int4", pgtype.Int4OID, 1, int32s},
	{"int8", pgtype.Int8OID, 1, int64s},
	{"oid", pgtype.OIDOID, 1, int32s},
	{"xid", pgtype.XIDOID, 1, int32s},
	{"cid", pgtype.CIDOID, 1, int32s},
	{"float4", pgtype.Float4OID, 1, float32s},
	{"float8", pgtype.Float8OID, 1, float64s},
	{"date", pgtype.DateOID, 1, days},
	{"timestamp", pgtype.TimestampOID, 1, micros},
	{"timestamptz", pgtype.TimestamptzOID, 1, micros},
	{"bytea", pgtype.ByteaOID, 1, words},
	{"text", pgtype.TextOID, 1, words},
	{"varchar", pgtype.VarcharOID, 1, words},
	{"json", pgtype.JSONOID, 1, words},
	{"jsonb", pgtype.JSONBOID, 1, texts("\x01{}", "\x01", "", "\x02{}", "{}")},
	{"xml", pgtype.XMLOID, 1, words},
	{"uuid", pgtype.UUIDOID, 1, texts("0123456789abcdef", "short", "")},
	{"numeric", pgtype.NumericOID, 1, texts("\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05", "\x00\x00\x00\x00\xc0\x00\x00\x00", "x")},
	{"inet", pgtype.InetOID, 1, texts("\x02\x20\x00\x04\x7f\x00\x00\x01", "")},

	{"bool text", pgtype.BoolOID, 0, bools},
	{"int2 text", pgtype.Int2OID, 0, numbers},
	{"int4 text", pgtype.Int4OID, 0, numbers},
	{"int8 text", pgtype.Int8OID, 0, numbers},
	{"oid text", pgtype.OIDOID, 0, numbers},
	{"xid text", pgtype.XIDOID, 0, numbers},
	{"cid text", pgtype.CIDOID, 0, numbers},
	{"float4 text", pgtype.Float4OID, 0, decimals},
	{"float8 text", pgtype.Float8OID, 0, decimals},
	{"date text", pgtype.DateOID, 0, dates},
	{"timestamp text", pgtype.TimestampOID, 0, stamps},
	{"timestamptz text", pgtype.TimestamptzOID, 0, zoned},
	{"bytea text", pgtype.ByteaOID, 0, hexes},
	{"json text", pgtype.JSONOID, 0, words},
	{"jsonb text", pgtype.JSONBOID, 0, words},
	{"xml text", pgtype.XMLOID, 0, words},
	{"text text", pgtype.TextOID, 0, words},
	{"varchar text", pgtype.VarcharOID, 0, words},
	{"bpchar text", pgtype.BPCharOID, 0, words},
	{"numeric text", pgtype.NumericOID, 0, decimals},
	{"uuid text", pgtype.UUIDOID, 0, words},
	{"int8[] text", pgtype.Int8ArrayOID, 0, texts("{}", "{1,NULL}")},
	{"interval text", pgtype.IntervalOID, 0, texts("1 day 02:03:04", "")},
	{"void text", 2278, 0, texts("")},
	{"timetz text", 1266, 0, texts("01:02:03+04")},
	{"mood text", 16999, 0, texts("happy")},
}

// bytesOf draws bytes for a sample: one of its values, random bits of the usual widths, or a wrong length.
func (s sample) bytesOf(random *rand.Rand) []byte {
	switch random.IntN(4) {
	case 0:
		bits := binary.BigEndian.AppendUint64(nil, random.Uint64())
		return bits[:1<<random.IntN(4)]
	case 1:
		return wrong[random.IntN(len(wrong))]
	default:
		return s.values[random.IntN(len(s.values))]
	}
}
