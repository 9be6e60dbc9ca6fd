package memory

import "github.com/gopgcache/pgcache/cachestore"

// commons counts what entries have in common, statements and columns, once for each shard instead of once for each entry.
//
// It is for the holder of the shard's lock.
type commons struct {
	uses  map[*cachestore.Common]uint32 // how many entries have it
	bytes int64                         // charged for everything in uses
}

// useBytes is what a map takes for one use, in the worst case: just after it has grown.
const useBytes = 64

// sizesOf returns the bytes that are an entry's own, its node included, and those of what it may have in common with others,
// with what it takes to count them.
func sizesOf(entry *cachestore.Entry) (own, common int64) {
	return entry.OwnSize() + nodeBytes, commonSize(entry.Common())
}

func commonSize(c *cachestore.Common) int64 { return c.Size() + useBytes }

// hold notes that entry uses its common part, and returns the bytes charged for it if no other entry used it before.
func (c *commons) hold(entry *cachestore.Entry) (charged int64) {
	if c.uses == nil {
		c.uses = make(map[*cachestore.Common]uint32)
	}
	common := entry.Common()
	c.uses[common]++
	if c.uses[common] > 1 {
		return 0
	}
	charged = commonSize(common)
	c.bytes += charged
	return charged
}

// letGo notes that entry uses its common part no more, and returns the bytes that were charged for it if no other entry uses
// it.
func (c *commons) letGo(entry *cachestore.Entry) (free int64) {
	common := entry.Common()
	if c.uses[common] > 1 {
		c.uses[common]--
		return 0
	}
	delete(c.uses, common)
	free = commonSize(common)
	c.bytes -= free
	if len(c.uses) == 0 {
		c.uses = nil // a map never shrinks
	}
	return free
}
