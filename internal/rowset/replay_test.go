package rowset

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// column makes a result of one column of a sample's values, NULLs among them.
func (s sample) column(values [][]byte) ([]pgconn.FieldDescription, [][][]byte) {
	rows := [][][]byte{{nil}}
	for _, v := range values {
		rows = append(rows, [][]byte{v}, [][]byte{nil})
	}
	return []pgconn.FieldDescription{s.field()}, rows
}

// Every value of every type, in either format, is what stdlib makes of the same bytes, or the same error.
func TestReplayEqualsStdlib(t *testing.T) {
	recital := newRecital(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			values := slices.Concat(s.values, wrong)
			for range 200 {
				values = append(values, s.bytesOf(random))
			}
			fields, rows := s.column(values)
			set := build(t, recital.typeMap(), fields, rows)
			requireSame(t, recital.stdlibRows(t, fields, rows), set.Rows())
			requireSame(t, recital.stdlibRows(t, fields, rows), overSource(t, set, 3))
		})
	}
}

// A codec's ScanLocation comes along, in both formats.
func TestReplayPlacesTimesLikeTheCodec(t *testing.T) {
	for _, loc := range []*time.Location{time.UTC, time.Local, time.FixedZone("somewhere", 12345)} {
		t.Run(loc.String(), func(t *testing.T) {
			recital := newRecital(t)
			m := recital.typeMap()
			m.RegisterType(&pgtype.Type{Name: "timestamp", OID: pgtype.TimestampOID, Codec: &pgtype.TimestampCodec{ScanLocation: loc}})
			m.RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: loc}})
			for _, s := range samples {
				if s.oid != pgtype.TimestampOID && s.oid != pgtype.TimestamptzOID {
					continue
				}
				fields, rows := s.column(slices.Concat(s.values, wrong))
				requireSame(t, recital.stdlibRows(t, fields, rows), build(t, m, fields, rows).Rows())
			}
		})
	}
}

// Any result at all: random columns, random values, many rows or none, from a Set, from its decoded encoding, and from a
// source that gives it in pieces.
func TestReplayProperty(t *testing.T) {
	recital := newRecital(t)
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		fields, rows := randomResult(random, rapid.IntRange(0, 6).Draw(t, "columns"), rapid.IntRange(0, 300).Draw(t, "rows"))
		set := build(t, nil, fields, rows)
		if set.Len() != len(rows) {
			t.Fatalf("%d rows, want %d", set.Len(), len(rows))
		}
		decoded, err := Decode(set.AppendEncoded(nil))
		if err != nil {
			t.Fatal(err)
		}
		piece := rapid.IntRange(1, 50).Draw(t, "piece")
		for _, got := range []*Rows{set.Rows(), decoded.Rows(), overSource(t, set, piece)} {
			requireSame(t, recital.stdlibRows(t, fields, rows), got)
		}
	})
}

func randomResult(random *rand.Rand, width, length int) ([]pgconn.FieldDescription, [][][]byte) {
	columns := make([]sample, width)
	fields := make([]pgconn.FieldDescription, width)
	for i := range columns {
		columns[i] = samples[random.IntN(len(samples))]
		fields[i] = columns[i].field()
		fields[i].TypeModifier = random.Int32N(100) - 1
		fields[i].Name = fmt.Sprint(columns[i].name, i)
	}
	rows := make([][][]byte, length)
	for i := range rows {
		rows[i] = make([][]byte, width)
		for j, c := range columns {
			if random.IntN(5) > 0 {
				rows[i][j] = c.bytesOf(random)
			}
		}
	}
	return fields, rows
}

// Columns of types with modifiers, and of types that only a name tells apart.
func TestColumnTypesEqualStdlib(t *testing.T) {
	recital := newRecital(t)
	recital.typeMap().RegisterType(&pgtype.Type{Name: "mood", OID: 16999, Codec: &pgtype.EnumCodec{}})
	var fields []pgconn.FieldDescription
	for oid := range uint32(6500) {
		fields = append(fields, pgconn.FieldDescription{Name: fmt.Sprint(oid), DataTypeOID: oid, TypeModifier: -1})
		if len(fields) == 1000 {
			requireSame(t, recital.stdlibRows(t, fields, nil), build(t, recital.typeMap(), fields, nil).Rows())
			fields = fields[:0]
		}
	}
	for _, oid := range []uint32{pgtype.NumericOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.VarbitOID, 16999, 4294967295} {
		for _, modifier := range []int32{-1, 0, 4, 14, 655366, 1<<31 - 1} {
			fields = append(fields, pgconn.FieldDescription{Name: "?column?", DataTypeOID: oid, TypeModifier: modifier})
		}
	}
	requireSame(t, recital.stdlibRows(t, fields, nil), build(t, recital.typeMap(), fields, nil).Rows())
}
