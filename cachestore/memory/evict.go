package memory

import "github.com/gopgcache/pgcache/cachestore"

// sweepPerPut is how many nodes of each queue a put may take out because they have expired. More than one, so that
// sweeping outruns putting.
const sweepPerPut = 2

// evict looks at the node whose turn it is, and drops it unless it was popular since its last turn. With force it drops
// it anyway. It returns the bytes that became free, and whether there was a node to look at.
func (sh *shard) evict(expired func(*cachestore.Entry) bool, force bool) (free int64, looked bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := sh.nextVictim()
	if n == nil {
		return 0, false
	}
	if entry := n.entry.Load(); entry == nil || expired(entry) {
		return sh.discard(n), true
	}
	state := n.state.Load()
	if state&hitBits != 0 && !force {
		sh.spare(n, state)
		return 0, true
	}
	if state&inMain == 0 {
		sh.index.remember(n)
	}
	sh.evicted++
	return sh.discard(n), true
}

// nextVictim takes the longest waiting node out of the small queue while that has more than its share, else out of the
// main one.
func (sh *shard) nextVictim() *node {
	if sh.main.head == nil || sh.small.bytes*smallShare > sh.small.bytes+sh.main.bytes {
		return sh.small.pop()
	}
	return sh.main.pop()
}

// spare gives n another turn: a newcomer moves to the main queue and has to prove itself anew, an old one pays with one
// of its hits.
func (sh *shard) spare(n *node, state uint32) {
	if state&inMain == 0 {
		n.state.Store(inMain)
	} else {
		n.state.Store(state - 1)
	}
	sh.main.push(n)
}

// discard makes an end of a node that has left its queue.
func (sh *shard) discard(n *node) (free int64) {
	free = int64(n.size)
	if entry := n.entry.Swap(nil); entry != nil {
		free += sh.commons.letGo(entry)
		sh.entries--
	}
	sh.index.remove(n)
	return free + sh.shrink()
}

// shrink halves an index that has become far too large, so that it doesn't stay large after many small entries have
// given way to a few large ones.
func (sh *shard) shrink() (free int64) {
	buckets := sh.index.buckets()
	if buckets == minBuckets || sh.index.count*8 > buckets {
		return 0
	}
	sh.index.resize(buckets / 2)
	return tableBytes(buckets) - tableBytes(buckets/2)
}

// sweep discards what has expired or was dropped at the head of the queues. Entries of one rule expire in the order in
// which they came, so that is where the expired ones gather.
func (sh *shard) sweep(expired func(*cachestore.Entry) bool) (free int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, q := range []*queue{&sh.small, &sh.main} {
		for range sweepPerPut {
			if q.head == nil {
				break
			}
			if entry := q.head.entry.Load(); entry != nil && !expired(entry) {
				break
			}
			free += sh.discard(q.pop())
		}
	}
	return free
}
