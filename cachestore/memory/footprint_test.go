package memory

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// rowLayout is that of a result as many are: a number, a text and a time.
func rowLayout(tb testing.TB) *rowset.Layout {
	layout, err := rowset.NewLayout([]pgconn.FieldDescription{
		{Name: "id", DataTypeOID: pgtype.Int8OID, Format: pgtype.BinaryFormatCode},
		{Name: "owner", DataTypeOID: pgtype.TextOID},
		{Name: "since", DataTypeOID: pgtype.TimestamptzOID, Format: pgtype.BinaryFormatCode},
	}, pgtype.NewMap())
	if err != nil {
		tb.Fatal(err)
	}
	return layout
}

// maker makes small entries the way a fill does: of one row by its number, recorded as it comes from the server.
type maker struct {
	layout    *rowset.Layout
	statement *cachestore.Statement
	fed       bool // a feed tells of rows: three tags, one of them the entry's own
}

func newMaker(tb testing.TB, fed bool) *maker {
	return &maker{layout: rowLayout(tb), statement: cachestore.NewStatement(sharedStatement.Text(), []uint64{1}), fed: fed}
}

func (m *maker) entry(i int) *cachestore.Entry {
	number := binary.BigEndian.AppendUint64(nil, uint64(i))
	tags := []uint64{1}
	if m.fed {
		tags = []uint64{2, 3, uint64(i)}
	}
	var r rowset.Recording
	r.Begin(m.layout)
	r.Append([][]byte{number, fmt.Appendf(nil, "owner %06d", i), number})
	rows := r.Set()
	r.End(nil)
	r.Leave()
	return cachestore.NewEntry(cachestore.Content{
		Statement: m.statement, Arguments: "\x00\x00i" + string(number), Rows: rows, Tags: tags,
		Position: uint64(i), ReadAt: time.Now(), Cost: time.Millisecond, Keep: time.Hour,
	})
}

// fill puts so many entries into a new store, and returns it with the bytes that the rows of one take up.
func (m *maker) fill(tb testing.TB, limit int64, entries int) (s *Store, wire int) {
	s = New(limit)
	for i := range entries {
		entry := m.entry(i)
		wire = entry.Rows().WireSize()
		put(tb, s, keyOf(i), entry)
	}
	if got := s.Stats(); got.Entries != int64(entries) {
		tb.Fatalf("%+v, want %d entries", got, entries)
	}
	return s, wire
}

// heapNow tells what is on the heap: bytes, blocks, and bytes that the collector looks at for pointers.
func heapNow() (bytes, blocks, scanned int64) {
	bytes = heapInUse()
	samples := []metrics.Sample{{Name: "/gc/heap/objects:objects"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(samples)
	return bytes, int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())
}

// perEntry is what one entry of a store adds to the heap, and what it is charged.
type perEntry struct {
	wire, held, charged, blocks, scanned float64
}

func measure(tb testing.TB, fed bool, entries int) perEntry {
	m := newMaker(tb, fed)
	bytes0, blocks0, scanned0 := heapNow()
	s, wire := m.fill(tb, 4<<30, entries)
	bytes, blocks, scanned := heapNow()
	n := float64(entries)
	p := perEntry{
		wire: float64(wire), held: float64(bytes-bytes0) / n, charged: float64(s.Stats().Bytes) / n,
		blocks: float64(blocks-blocks0) / n, scanned: float64(scanned-scanned0) / n,
	}
	runtime.KeepAlive(s)
	return p
}

// TestSmallEntriesAreSmall holds a small entry to what may be added to its bytes on the wire, key, index and all, just after the
// index has grown, when it is largest for its entries; the charge to what is held; and the collector to two blocks.
func TestSmallEntriesAreSmall(t *testing.T) {
	const entries = 1<<maxShardBits<<12 + 6_000
	for _, fed := range []bool{false, true} {
		t.Run(fmt.Sprintf("fed=%t", fed), func(t *testing.T) {
			got := measure(t, fed, entries)
			t.Logf("%+v", got)
			if most := 1.15*got.wire + 200; got.held > most {
				t.Errorf("an entry with %.0f bytes on the wire takes %.1f, want %.1f at most", got.wire, got.held, most)
			}
			if got.charged < got.held-1 || got.charged > got.held*1.02 {
				t.Errorf("an entry is charged %.1f bytes and takes %.1f", got.charged, got.held)
			}
			if got.blocks > 2.05 {
				t.Errorf("an entry takes %.2f blocks, want 2", got.blocks)
			}
		})
	}
}

// BenchmarkMillionEntries reports what a million small entries take.
func BenchmarkMillionEntries(b *testing.B) {
	for _, fed := range []bool{false, true} {
		b.Run(fmt.Sprintf("fed=%t", fed), func(b *testing.B) {
			for b.Loop() {
				got := measure(b, fed, 1_000_000)
				b.ReportMetric(got.wire, "B-wire/entry")
				b.ReportMetric(got.held, "B-held/entry")
				b.ReportMetric(got.charged, "B-charged/entry")
				b.ReportMetric(got.blocks, "blocks/entry")
				b.ReportMetric(got.scanned, "B-scanned/entry")
			}
		})
	}
}
