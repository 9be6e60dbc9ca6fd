package cachestore

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// TestSizeIsWhatTheHeapHolds makes many entries that share nothing and compares the growth of the heap with the sum of
// their sizes. Size may say a little too much, never too little.
func TestSizeIsWhatTheHeapHolds(t *testing.T) {
	for _, test := range []struct {
		name                                     string
		entries, statement, arguments, tags, row int
		rows                                     int
	}{
		{"bare", 20_000, 0, 0, 0, 0, 0},
		{"one small row", 10_000, 60, 12, 1, 8, 1},
		{"long statement", 2_000, 5_000, 12, 3, 8, 1},
		{"many arguments", 2_000, 60, 3_000, 20, 8, 1},
		{"many rows", 200, 60, 12, 1, 20, 1_000},
		{"one large value", 50, 60, 12, 1, 1 << 20, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries := make([]*Entry, test.entries)
			before, want := heapInUse(), int64(0)
			for i := range entries {
				row := []string{fmt.Sprint(i), strings.Repeat("x", test.row)}
				rows := make([][]string, test.rows)
				for r := range rows {
					rows[r] = row
				}
				entries[i] = NewEntry(Content{
					Statement: NewStatement(strings.Repeat("s", test.statement), nil),
					Arguments: strings.Repeat("a", test.arguments),
					Rows:      rowset.Table([]string{"number", "text"}, rows),
					Tags:      make([]uint64, test.tags),
				})
				want += entries[i].Size()
			}
			got := heapInUse() - before
			if noise := int64(16 << 10); got > want+noise || got < want*90/100-noise {
				t.Errorf("%d entries grew the heap by %d bytes, their sizes sum up to %d", len(entries), got, want)
			}
			runtime.KeepAlive(entries)
		})
	}
}

func TestSizeOfEntryWithoutRows(t *testing.T) {
	e := NewEntry(Content{})
	if size := e.Size(); size <= 0 {
		t.Errorf("an empty entry takes %d bytes", size)
	}
	if e.Encodable() || e.Content().Rows != nil || e.Statement() != "" || e.Arguments() != "" || e.Tags() != nil {
		t.Errorf("an empty entry has something: %+v", e.Content())
	}
}

func TestExpired(t *testing.T) {
	for _, test := range []struct {
		keep, age time.Duration
		want      bool
	}{
		{time.Minute, 0, false},
		{time.Minute, time.Minute - 1, false},
		{time.Minute, time.Minute, true},
		{time.Minute, time.Hour, true},
		{time.Minute, -time.Hour, false}, // a clock that was set back
		{0, 0, true},
		{-time.Second, 0, true},
	} {
		read := time.Now()
		if got := NewEntry(Content{ReadAt: read, Keep: test.keep}).Expired(InstantOf(read.Add(test.age))); got != test.want {
			t.Errorf("kept for %v, at age %v: expired %t", test.keep, test.age, got)
		}
	}
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
