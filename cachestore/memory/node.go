package memory

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/internal/heap"
)

// node is the place of one key in the index and in a queue.
//
// Readers use key, entry, chain and state without a lock; the rest belongs to the holder of the shard's lock. A node that
// has left its shard is never put back, so a reader that still stands on it sees at worst an entry that has just gone.
//
// It fills a block of 64 bytes to the last word. A second link, for queues that can be left from the middle, would make
// it 80: so a node whose entry is dropped early stays in line without it.
type node struct {
	key   cachestore.Key
	entry atomic.Pointer[cachestore.Entry] // nil: dropped, the node waits to leave its queue
	chain atomic.Pointer[node]             // next in the same bucket of the index
	next  *node                            // next in the same queue
	size  uint32                           // bytes charged for the node and its entry
	state atomic.Uint32                    // hits since its last turn, and inMain
}

const (
	hitBits = 3 // up to three hits are counted
	inMain  = 4 // set when the node is in the main queue
)

// nodeBytes is what a node takes without its entry.
var nodeBytes = heap.PointerBytes(int(unsafe.Sizeof(node{})))

// touch notes a hit. Two at once may count as one: popularity need not be exact. A popular entry's node is only read,
// so its cache line stays with every reader.
func (n *node) touch() {
	if state := n.state.Load(); state&hitBits < hitBits {
		n.state.CompareAndSwap(state, state+1)
	}
}

// hashOf spreads keys over shards, buckets and fingerprints. The first eight bytes of a key are a hash, whichever it is.
func hashOf(key *cachestore.Key) uint64 {
	return binary.LittleEndian.Uint64(key[:8])
}
