package cachestore

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore/internal/heap"
)

// What an entry has of its own stands in one block of the heap with it where it is small, as most entries are: a block each for
// arguments, tags and rows would cost a small entry twice its bytes, and the collector as many more blocks to look at. Behind the
// struct come the tags, the arguments and the rows, without a gap. An entry's type doesn't say how much room there is behind it:
// that is told by its lengths.
//
// A larger entry has an apart behind it.

const (
	tagBytes = int(unsafe.Sizeof(uint64(0)))
	// entryBytes is where the room begins. It is a multiple of a tag's alignment.
	entryBytes = int(unsafe.Sizeof(Entry{}))
	// largestBlock is the largest for an entry with its room: the allocator puts a header before larger ones.
	largestBlock = 512
	mostRoom     = largestBlock - entryBytes
)

// apart is what stands behind an entry whose parts have blocks of their own.
type apart struct {
	arguments string
	tags      []uint64
	data      []byte // the rows in the row format
	rows      int
}

// spread is an entry with its parts apart.
type spread struct {
	Entry
	apart
}

// rooms has for each number of words of room the type of an entry with at least as much: as the allocator's blocks are larger than
// what is asked for, many are the same.
var rooms = sync.OnceValue(func() []reflect.Type {
	types := make([]reflect.Type, mostRoom/tagBytes+1)
	types[0] = reflect.TypeFor[Entry]() // a struct that ends in nothing would be a word longer
	for words := 1; words < len(types); words++ {
		block := heap.PointerBytes(entryBytes + words*tagBytes)
		types[words] = reflect.StructOf([]reflect.StructField{
			{Name: "Entry", Type: reflect.TypeFor[Entry]()},
			{Name: "Room", Type: reflect.ArrayOf(int(block)-entryBytes, reflect.TypeFor[byte]())},
		})
	}
	return types
})

// roomy is the type of an entry with room for so many bytes behind it, at most mostRoom.
func roomy(room int) reflect.Type { return rooms()[(room+tagBytes-1)/tagBytes] }

func newRoomy(room int) *Entry { return (*Entry)(reflect.New(roomy(room)).UnsafePointer()) }

// room gives n bytes of the room from an offset on. There must be as many.
func (e *Entry) room(from, n int) []byte {
	if n == 0 {
		return nil // the offset may be the end of the block
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(e), entryBytes+from)), n)
}

// tagRoom gives the room for the tags.
func (e *Entry) tagRoom() []uint64 {
	if e.tags == 0 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Add(unsafe.Pointer(e), entryBytes)), int(e.tags))
}

// apart gives what stands behind an entry that has its parts apart.
func (e *Entry) apart() *apart { return &(*spread)(unsafe.Pointer(e)).apart }
