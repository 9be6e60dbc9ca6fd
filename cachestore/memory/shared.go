package memory

import (
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/internal/heap"
)

// commons counts what entries have in common, statements and tags, once for each shard instead of once for each entry.
// Identity is the address of the bytes: equal bytes at two addresses take up room twice.
//
// It is for the holder of the shard's lock.
type commons struct {
	uses  map[unsafe.Pointer]use
	bytes int64 // charged for everything in uses
}

// use is a block of bytes that some entries share.
type use struct {
	entries uint32
	size    uint32
}

// useBytes is what a map takes for one use, in the worst case: just after it has grown.
const useBytes = 64

// block is a part of an entry that other entries may share.
type block struct {
	at   unsafe.Pointer
	size int64
}

// blocks returns the parts of entry that other entries may share. An empty one has no size.
func blocks(entry *cachestore.Entry) [2]block {
	statement := entry.Material.Statement
	return [2]block{
		{unsafe.Pointer(unsafe.StringData(statement)), heap.Bytes(len(statement))},
		{unsafe.Pointer(unsafe.SliceData(entry.Tags)), heap.Bytes(cap(entry.Tags) * 8)},
	}
}

// sizesOf returns the bytes that are an entry's own, its node included, and those that it may share, with what it takes
// to count them.
func sizesOf(entry *cachestore.Entry) (own, common int64) {
	own = entry.Size() + nodeBytes
	for _, b := range blocks(entry) {
		if b.size > 0 {
			own -= b.size
			common += b.size + useBytes
		}
	}
	return own, common
}

// hold notes that entry uses its blocks, and returns the bytes charged for those that no other entry used before.
func (c *commons) hold(entry *cachestore.Entry) (charged int64) {
	for _, b := range blocks(entry) {
		if b.size == 0 {
			continue
		}
		if c.uses == nil {
			c.uses = make(map[unsafe.Pointer]use)
		}
		u, known := c.uses[b.at]
		if !known {
			u.size = uint32(b.size + useBytes)
			charged += int64(u.size)
		}
		u.entries++
		c.uses[b.at] = u
	}
	c.bytes += charged
	return charged
}

// letGo notes that entry uses its blocks no more, and returns the bytes that were charged for those that no other entry
// uses.
func (c *commons) letGo(entry *cachestore.Entry) (free int64) {
	for _, b := range blocks(entry) {
		if b.size == 0 {
			continue
		}
		u := c.uses[b.at]
		if u.entries--; u.entries > 0 {
			c.uses[b.at] = u
			continue
		}
		delete(c.uses, b.at)
		free += int64(u.size)
	}
	c.bytes -= free
	if len(c.uses) == 0 {
		c.uses = nil // a map never shrinks
	}
	return free
}
