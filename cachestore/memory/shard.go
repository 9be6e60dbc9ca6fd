package memory

import (
	"sync"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore"
)

const (
	maxShardBits = 5
	// shardBytes is the least part of the limit that is worth a shard of its own.
	shardBytes = 8 << 20
	// smallShare is the part of a shard's bytes that newcomers may take: one in smallShare.
	smallShare = 10
)

// emptyShardBytes is what a shard takes before anything is put.
var emptyShardBytes = int64(unsafe.Sizeof(shard{})) + tableBytes(minBuckets)

// shard is one part of the keys. Every node of its index is in exactly one of its two queues.
//
// Its methods say how many bytes became free, and leave it to the caller to release them in the budget, which all shards
// share.
type shard struct {
	index index

	mu      sync.Mutex
	small   queue // newcomers
	main    queue // those that were asked for while they were newcomers
	commons commons
	entries int64 // nodes with an entry
	evicted int64
	closed  bool

	_ [64]byte // keeps one shard's lock out of the next one's cache line
}

// shardCount returns a power of two.
func shardCount(limit int64) int {
	count := 1
	for count < 1<<maxShardBits && int64(count)*2*shardBytes <= limit {
		count *= 2
	}
	return count
}

// find returns the node of key, or nil. Only a miss takes the lock.
func (sh *shard) find(hash uint64, key *cachestore.Key) *node {
	if n := sh.index.find(hash, key); n != nil {
		return n
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.index.find(hash, key)
}

// growth returns the bytes that the index would grow by if one more key came. They must be reserved before put.
func (sh *shard) growth() int64 {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.growthLocked()
}

func (sh *shard) growthLocked() int64 {
	buckets := sh.index.buckets()
	if sh.index.count < buckets {
		return 0
	}
	return tableBytes(2*buckets) - tableBytes(buckets)
}

// reservation is what was reserved for a put, in bytes.
type reservation struct {
	entry  int64 // for the entry itself and its node
	common int64 // for what it may have in common with others
	growth int64 // for a larger index
}

func (r reservation) total() int64 { return r.entry + r.common + r.growth }

// put keeps entry under key and returns the reserved bytes that it didn't need, with those that it set free.
func (sh *shard) put(hash uint64, key cachestore.Key, entry *cachestore.Entry, need reservation) (free int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.closed {
		return need.total()
	}
	free = need.common - sh.commons.hold(entry)
	if n := sh.index.find(hash, &key); n != nil {
		return free + need.entry + need.growth + sh.replace(n, entry, need.entry)
	}
	free += need.growth - sh.grow(need.growth)
	n := &node{key: key, size: uint32(need.entry)}
	n.entry.Store(entry)
	if sh.index.recalls(hash) {
		n.state.Store(inMain)
	}
	sh.index.add(hash, n)
	sh.queueOf(n).push(n)
	sh.entries++
	return free
}

// grow makes room in the index for one more key out of the reserved bytes, and returns what it used of them. Another
// writer may have grown the index since they were reserved, or filled it: then growing is not needed, or is left to the
// next put.
func (sh *shard) grow(reserved int64) (used int64) {
	if reserved == 0 || reserved != sh.growthLocked() {
		return 0
	}
	sh.index.resize(2 * sh.index.buckets())
	return reserved
}

// replace gives n another entry, or its first one after it was dropped. The node keeps its place in line.
func (sh *shard) replace(n *node, entry *cachestore.Entry, size int64) (free int64) {
	if old := n.entry.Swap(entry); old != nil {
		free = sh.commons.letGo(old)
	} else {
		sh.entries++
	}
	return free + sh.resizeNode(n, size)
}

// resizeNode changes what n is charged with.
func (sh *shard) resizeNode(n *node, size int64) (free int64) {
	free = int64(n.size) - size
	sh.queueOf(n).bytes -= free
	n.size = uint32(size)
	return free
}

// dropKey drops whatever is kept under key.
func (sh *shard) dropKey(hash uint64, key *cachestore.Key) (free int64) {
	n := sh.find(hash, key)
	if n == nil {
		return 0
	}
	entry := n.entry.Load()
	if entry == nil {
		return 0
	}
	return sh.drop(n, entry)
}

// drop takes entry from n, unless it has gone or been replaced. The node stays until it reaches the end of its queue.
func (sh *shard) drop(n *node, entry *cachestore.Entry) (free int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !n.entry.CompareAndSwap(entry, nil) {
		return 0
	}
	sh.entries--
	return sh.commons.letGo(entry) + sh.resizeNode(n, nodeBytes)
}

// clear drops everything, and lets nothing in any more if the shard is to be closed.
func (sh *shard) clear(closing bool) (free int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	free = sh.small.bytes + sh.main.bytes + sh.commons.bytes + tableBytes(sh.index.buckets()) - tableBytes(minBuckets)
	for n := sh.small.pop(); n != nil; n = sh.small.pop() {
		n.entry.Store(nil)
	}
	for n := sh.main.pop(); n != nil; n = sh.main.pop() {
		n.entry.Store(nil)
	}
	sh.closed = sh.closed || closing
	sh.reset()
	return free
}

// reset leaves an empty index. Its queues must be empty.
func (sh *shard) reset() {
	sh.index.table.Store(newTable(minBuckets))
	sh.index.count = 0
	sh.commons = commons{}
	sh.entries = 0
}

func (sh *shard) queueOf(n *node) *queue {
	if n.state.Load()&inMain != 0 {
		return &sh.main
	}
	return &sh.small
}

func (sh *shard) counts() (entries, evicted int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.entries, sh.evicted
}
