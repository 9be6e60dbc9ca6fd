package memory

import (
	"testing"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/internal/heap"
)

// fataler is what checks report to: a test, or a property test's run.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkInvariants recounts a store that nobody uses at the moment, and compares with what it has kept count of.
func checkInvariants(t fataler, s *Store) {
	t.Helper()
	var used int64
	for i := range s.shards {
		used += checkShard(t, &s.shards[i])
	}
	if got := s.budget.used.Load(); got != used {
		t.Fatalf("the budget says %d bytes, the shards hold %d", got, used)
	}
	if used > max(0, s.budget.limit) {
		t.Fatalf("the shards hold %d bytes, the limit is %d", used, s.budget.limit)
	}
}

// checkShard returns the bytes that the shard holds beyond an empty one.
func checkShard(t fataler, sh *shard) (used int64) {
	t.Helper()
	nodes, entries := 0, int64(0)
	uses := map[*cachestore.Common]uint32{}
	for _, q := range []*queue{&sh.small, &sh.main} {
		bytes := int64(0)
		for n := q.head; n != nil; n = n.next {
			nodes++
			bytes += int64(n.size)
			if sh.queueOf(n) != q {
				t.Fatalf("a node says that it is in another queue")
			}
			if sh.index.find(hashOf(&n.key), &n.key) != n {
				t.Fatalf("a node in a queue isn't in the index")
			}
			entries += checkNode(t, n, uses)
			if n.next == nil && q.tail != n {
				t.Fatalf("the queue's tail isn't its last node")
			}
		}
		if q.bytes != bytes {
			t.Fatalf("a queue says %d bytes, its nodes %d", q.bytes, bytes)
		}
		used += bytes
	}
	if nodes != sh.index.count || entries != sh.entries {
		t.Fatalf("%d nodes and %d entries in queues, the shard counts %d and %d", nodes, entries, sh.index.count, sh.entries)
	}
	if buckets := sh.index.buckets(); nodes > buckets || buckets > max(minBuckets, 16*(nodes+1)) {
		t.Fatalf("%d nodes in %d buckets", nodes, buckets)
	}
	checkCommons(t, &sh.commons, uses)
	return used + sh.commons.bytes + tableBytes(sh.index.buckets()) - tableBytes(minBuckets)
}

// checkNode adds what the node's entry shares to uses, and returns the number of entries that the node has.
func checkNode(t fataler, n *node, uses map[*cachestore.Common]uint32) int64 {
	t.Helper()
	entry := n.entry.Load()
	if entry == nil {
		if int64(n.size) != nodeBytes {
			t.Fatalf("a node without an entry is charged %d bytes", n.size)
		}
		return 0
	}
	if own, _ := sizesOf(entry); own != int64(n.size) {
		t.Fatalf("a node is charged %d bytes for %d", n.size, own)
	}
	uses[entry.Common()]++
	return 1
}

func checkCommons(t fataler, c *commons, want map[*cachestore.Common]uint32) {
	t.Helper()
	bytes := int64(0)
	for common, entries := range c.uses {
		bytes += commonSize(common)
		if want[common] != entries {
			t.Fatalf("%d entries have something in common, the shard counts %d", want[common], entries)
		}
	}
	if len(c.uses) != len(want) || c.bytes != bytes {
		t.Fatalf("%d commons of %d bytes counted, %d in use, %d bytes charged", len(c.uses), bytes, len(want), c.bytes)
	}
}

// TestNodeFillsItsBlock guards the layout: one more word would cost every entry 16 bytes.
func TestNodeFillsItsBlock(t *testing.T) {
	if size := int64(unsafe.Sizeof(node{})); size != 64 || nodeBytes != heap.Bytes(64) {
		t.Errorf("a node has %d bytes and takes %d, want 64", size, nodeBytes)
	}
}
