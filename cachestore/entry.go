package cachestore

import (
	"time"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore/internal/heap"
)

// rowsRounding is what the allocator adds to the structs of a row set, whose own Size counts them unrounded.
const rowsRounding = 16

// Size returns how many bytes of the heap the entry holds: the struct, its key material, its tags and its row set, each
// with what the allocator rounds it up to. What it may have in common with other entries, as its statement and its tags,
// counts whole.
//
// Strings and slices count by their own length and capacity. An entry whose material is a part of a longer string holds
// that string too, and Size can't see it.
func (e *Entry) Size() int64 {
	size := heap.PointerBytes(int(unsafe.Sizeof(*e)))
	size += heap.Bytes(len(e.Material.Statement)) + heap.Bytes(len(e.Material.Arguments))
	size += heap.Bytes(cap(e.Tags) * int(unsafe.Sizeof(e.Tags[0])))
	if e.Rows != nil {
		size += int64(e.Rows.Size()) + rowsRounding
	}
	return size
}

// Expired tells whether the entry can be of no use any more at age, counted from ReadAt.
func (e *Entry) Expired(age time.Duration) bool {
	return age >= e.Keep
}
