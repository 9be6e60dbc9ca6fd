package heap

import (
	"fmt"
	"runtime"
	"testing"
)

// TestBytesIsWhatTheHeapGrowsBy allocates many values of one size and compares the growth of the heap with the sum of
// what Bytes says. Sizes below the tiny block share it, so there Bytes may only be too high.
func TestBytesIsWhatTheHeapGrowsBy(t *testing.T) {
	for _, size := range []int{1, 8, 15, 16, 17, 33, 100, 129, 511, 513, 1025, 3000, 9000, 30000, 32768, 32769, 100_000} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			got := perValue(size, func() any { return make([]byte, size) })
			want := Bytes(size)
			if differs(got, want) && (size >= tiny || got > want) {
				t.Errorf("heap grew by %d bytes a value of %d, Bytes says %d", got, size, want)
			}
		})
	}
}

// TestPointerBytesIsWhatTheHeapGrowsBy does the same with slices of pointers.
func TestPointerBytesIsWhatTheHeapGrowsBy(t *testing.T) {
	for _, size := range []int{16, 24, 64, 96, 512, 520, 1024, 4096, 8192, 32752, 32768, 65536} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			got := perValue(size, func() any { return make([]*int, size/8) })
			if want := PointerBytes(size); differs(got, want) {
				t.Errorf("heap grew by %d bytes a value of %d, PointerBytes says %d", got, size, want)
			}
		})
	}
}

func TestNothingTakesNothing(t *testing.T) {
	if Bytes(0) != 0 || PointerBytes(0) != 0 || Bytes(-1) != 0 {
		t.Error("an empty allocation takes no heap")
	}
}

// differs tells whether two sizes are further apart than what the rest of the process allocates meanwhile can explain.
// Neighbouring block sizes are far further apart.
func differs(a, b int64) bool {
	return max(a, b)-min(a, b) > b/256
}

// perValue returns the bytes of heap that one value made by allocate takes, less the slice header that the interface
// around it needs.
func perValue(size int, allocate func() any) int64 {
	count := max(200, (4<<20)/size)
	values := make([]any, count)
	before := inUse()
	for i := range values {
		values[i] = allocate()
	}
	grown := inUse() - before
	runtime.KeepAlive(values)
	const boxedHeader = 24
	// Rounded: the test's own bookkeeping may add a few bytes in all.
	return (grown+int64(count)/2)/int64(count) - boxedHeader
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
