// Package heap says how many bytes of the heap a value really takes, so that a bound on memory can be kept exactly
// instead of about.
//
// Go's allocator hands out blocks of fixed sizes. What a block has left over is lost, so it counts.
package heap

import (
	"sort"
	"sync"
)

const (
	// tiny is the block that small values without pointers share. One of them alone keeps the whole block, so each is
	// charged with all of it.
	tiny = 16
	// headerFrom is the size above which a block with pointers starts with a header, until it is so large that it gets
	// pages of its own.
	headerFrom  = 512
	headerBytes = 8
	// largest is the end of the fixed block sizes: beyond it whole pages are handed out.
	largest   = 32 << 10
	pageBytes = 8 << 10
)

// Bytes returns what an allocation of n bytes without pointers takes: the contents of a string, a []byte, a []uint64.
func Bytes(n int) int64 {
	switch {
	case n <= 0:
		return 0
	case n <= tiny:
		return tiny
	case n > largest:
		return int64(n+pageBytes-1) / pageBytes * pageBytes
	}
	sizes := blockSizes()
	return int64(sizes[sort.SearchInts(sizes, n)])
}

// PointerBytes returns what an allocation of n bytes that holds pointers takes: a struct, a slice of pointers.
func PointerBytes(n int) int64 {
	if n > headerFrom && n <= largest-headerBytes {
		n += headerBytes
	}
	return Bytes(n)
}

// blockSizes returns the fixed block sizes in ascending order. They are asked from the running allocator, which rounds
// the capacity of a grown slice up to its block, because the list belongs to the Go version and not to us.
var blockSizes = sync.OnceValue(func() []int {
	var sizes []int
	for n := 1; n <= largest; {
		block := cap(append([]byte(nil), make([]byte, n)...))
		sizes = append(sizes, block)
		n = block + 1
	}
	return sizes
})
