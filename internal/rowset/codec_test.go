package rowset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// seal puts the right checksum into an encoding, so that what is wrong with it must be found by reading it.
func seal(encoded []byte) []byte {
	sealed := bytes.Clone(encoded)
	if len(sealed) >= headerSize {
		binary.BigEndian.PutUint32(sealed[1:], crc32.Checksum(sealed[headerSize:], castagnoli))
	}
	return sealed
}

func TestCodecRoundTrip(t *testing.T) {
	for _, set := range []*Set{
		Table(nil, nil),
		Table(nil, [][]string{{}, {}}),
		Table([]string{"a"}, nil),
		benchmarkSet(t, threeColumns, 100),
		{layout: newLayout([]Column{{Location: time.UTC}, {Location: time.Local}, {TypeName: "X"}})},
	} {
		encoded := set.AppendEncoded([]byte("before"))
		if !bytes.HasPrefix(encoded, []byte("before")) || !set.Encodable() {
			t.Fatal("what stood before is gone")
		}
		got, err := Decode(encoded[6:])
		if err != nil {
			t.Fatal(err)
		}
		if got.Len() != set.Len() || !bytes.Equal(got.data, set.data) {
			t.Error("the rows differ")
		}
		for i, c := range got.Columns() {
			if c != set.Columns()[i] {
				t.Errorf("column %d is %+v, want %+v", i, c, set.Columns()[i])
			}
		}
	}
}

// Decode keeps nothing of what it read from.
func TestDecodeCopies(t *testing.T) {
	encoded := Table([]string{"name"}, [][]string{{"value"}}).AppendEncoded(nil)
	set, err := Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	clear(encoded)
	if got := set.Rows().Columns()[0] + drain(t, set.Rows(), 1)[0][0].(string); got != "namevalue" {
		t.Errorf("got %q", got)
	}
}

// A location that has no encoding must not come back as another one.
func TestOtherLocationsAreNotEncodable(t *testing.T) {
	columns := []Column{{Location: time.FixedZone("UTC", 3600)}}
	columns[0].DataTypeOID = pgtype.TimestamptzOID
	set := NewBuilder(columns).Set()
	if set.Encodable() {
		t.Error("Encodable")
	}
	if _, err := Decode(set.AppendEncoded(nil)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

// Every byte counts: a change of any one, and a cut at any place, is noticed; with a right checksum too, a cut is.
func TestDecodeNoticesDamage(t *testing.T) {
	encoded := benchmarkSet(t, threeColumns, 3).AppendEncoded(nil)
	for i := range encoded {
		damaged := bytes.Clone(encoded)
		damaged[i] ^= 0x40
		for _, src := range [][]byte{damaged, encoded[:i], seal(encoded[:i])} {
			if _, err := Decode(src); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d: got %v", i, err)
			}
		}
	}
	if _, err := Decode(seal(append(encoded, 0))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte too many: got %v", err)
	}
}

// Lengths that promise more than there is cost an error and no memory.
func TestDecodeHostileLengths(t *testing.T) {
	head := func(columns uint32) []byte {
		return binary.BigEndian.AppendUint32([]byte{encodingVersion, 0, 0, 0, 0}, columns)
	}
	for name, src := range map[string][]byte{
		"columns":      head(1<<32 - 1),
		"more columns": append(head(1000), make([]byte, 10*minColumnSize)...),
		"name":         append(head(1), bytes.Repeat([]byte{0xff}, 2*minColumnSize)...),
		"row count":    binary.BigEndian.AppendUint32(head(0), 1<<32-1),
		"row":          append(binary.BigEndian.AppendUint32(head(0), 1), 0xff, 0xff, 0xff, 0xff),
		"wide row":     append(binary.BigEndian.AppendUint32(head(0), 1), 0, 0, 0, 1, 7),
	} {
		src := seal(src)
		allocations := testing.AllocsPerRun(1, func() {
			if _, err := Decode(src); !errors.Is(err, ErrCorrupt) || !strings.HasPrefix(err.Error(), "pgcache:") {
				t.Errorf("%s: got %v", name, err)
			}
		})
		if allocations > 20 {
			t.Errorf("%s: %.0f allocations", name, allocations)
		}
	}
}

func FuzzDecode(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for width := range 6 {
		fields, rows := randomResult(random, width, 5)
		f.Add(build(f, nil, fields, rows).AppendEncoded(nil))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, src []byte) {
		if _, err := Decode(src); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatal(err)
		}
		set, err := Decode(seal(src))
		if err != nil {
			return
		}
		if got := set.AppendEncoded(nil); !bytes.Equal(got, seal(src)) {
			t.Fatalf("encodes as %x", got)
		}
		if set.Size() > 64*len(src)+4096 {
			t.Fatalf("%d bytes became %d", len(src), set.Size())
		}
		replayText(set)
	})
}

// Any columns and values come back from an encoding as they went in.
func FuzzRoundTrip(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(10), []byte("value"))
	f.Add(uint64(2), uint8(0), uint8(2), []byte(nil))
	f.Fuzz(func(t *testing.T, seed uint64, width, length uint8, extra []byte) {
		random := rand.New(rand.NewPCG(seed, 1))
		fields, rows := randomResult(random, int(width%20), int(length))
		for _, row := range rows {
			if len(row) > 0 {
				row[random.IntN(len(row))] = extra
			}
		}
		set := build(t, nil, fields, rows)
		decoded, err := Decode(set.AppendEncoded(nil))
		if err != nil {
			t.Fatal(err)
		}
		requireSame(t, set.Rows(), decoded.Rows())
		requireSame(t, set.Rows(), overSource(t, decoded, 2))
	})
}
