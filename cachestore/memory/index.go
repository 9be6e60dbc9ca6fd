package memory

import (
	"sync/atomic"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/internal/heap"
)

// minBuckets is how many buckets an index starts with. It holds as many nodes before it grows.
const minBuckets = 16

// index finds nodes by key: a hash table with chains. Readers walk it without a lock, while a writer that holds the
// shard's lock changes it.
//
// A reader may miss a node while the table is being resized, because nodes move from chain to chain under its feet. It
// never finds a wrong one, since it compares keys, and it comes to an end: a node that moves is only ever linked to
// nodes that moved before it.
type index struct {
	table atomic.Pointer[table]
	count int // nodes, for the holder of the lock
}

type table struct {
	chains []atomic.Pointer[node]
	// ghosts has a fingerprint beside each bucket, of the last key of that bucket that left the small queue without a
	// hit. It is for the holder of the lock.
	ghosts []uint32
}

func newTable(buckets int) *table {
	return &table{chains: make([]atomic.Pointer[node], buckets), ghosts: make([]uint32, buckets)}
}

// tableBytes is what a table takes.
func tableBytes(buckets int) int64 {
	const pointer = int(unsafe.Sizeof(atomic.Pointer[node]{}))
	return heap.PointerBytes(int(unsafe.Sizeof(table{}))) + heap.PointerBytes(buckets*pointer) + heap.Bytes(buckets*4)
}

// bucket leaves out the bits that choose the shard.
func (t *table) bucket(hash uint64) int {
	return int(hash >> maxShardBits & uint64(len(t.chains)-1))
}

// fingerprint tells apart the keys of one bucket. It is never 0, which stands for none.
func fingerprint(hash uint64) uint32 {
	return uint32(hash>>32) | 1
}

// find returns the node of key, or nil. It needs no lock, but may miss a node while the table is being resized.
func (x *index) find(hash uint64, key *cachestore.Key) *node {
	t := x.table.Load()
	n := t.chains[t.bucket(hash)].Load()
	for n != nil && n.key != *key {
		n = n.chain.Load()
	}
	return n
}

// add puts a node whose key is not in the index.
func (x *index) add(hash uint64, n *node) {
	x.count++
	x.table.Load().link(hash, n)
}

func (t *table) link(hash uint64, n *node) {
	head := &t.chains[t.bucket(hash)]
	n.chain.Store(head.Load())
	head.Store(n)
}

// remove takes out a node that is in the index. The node keeps its own link, for readers that stand on it.
func (x *index) remove(n *node) {
	t := x.table.Load()
	link := &t.chains[t.bucket(hashOf(&n.key))]
	for at := link.Load(); at != n; at = link.Load() {
		link = &at.chain
	}
	link.Store(n.chain.Load())
	x.count--
}

// remember notes that the key of n left the small queue without a hit.
func (x *index) remember(n *node) {
	hash, t := hashOf(&n.key), x.table.Load()
	t.ghosts[t.bucket(hash)] = fingerprint(hash)
}

// recalls tells whether the key left the small queue not long ago. A collision only gives a newcomer a better place.
func (x *index) recalls(hash uint64) bool {
	t := x.table.Load()
	return t.ghosts[t.bucket(hash)] == fingerprint(hash)
}

// resize moves the nodes to a table of another size, which must be a power of two.
func (x *index) resize(buckets int) {
	from, to := x.table.Load(), newTable(buckets)
	for i := range to.ghosts {
		// Two buckets that become one keep one fingerprint. A bucket that becomes two gives it to both.
		to.ghosts[i] = from.ghosts[i&(len(from.ghosts)-1)]
	}
	for i := range from.chains {
		for n := from.chains[i].Load(); n != nil; {
			rest := n.chain.Load()
			to.link(hashOf(&n.key), n)
			n = rest
		}
	}
	x.table.Store(to)
}

// buckets returns the size of the table.
func (x *index) buckets() int {
	return len(x.table.Load().chains)
}
