// Package memory keeps entries in the heap of this process, within a bound that holds in bytes.
//
// # The bound
//
// The limit counts every byte that the store keeps alive: keys, entries, key material, tags, row sets, nodes, the index
// and what it remembers about entries that it dropped, each rounded up to the block that Go's allocator hands out for
// it. What the entries of one statement have in common, its text and its columns, counts once for each shard. Room is
// made before an entry is let in, so what is live never exceeds the limit, not even for a moment and not with many
// writers at once. An entry that was dropped is garbage until the collector comes round: how much garbage a
// process carries is GOGC's and GOMEMLIMIT's business.
//
// An entry that needs more than a quarter of the limit is not kept, since it would drive out too many others.
//
// # Reading
//
// A hit takes no lock, allocates nothing and writes at most one word, which popular entries soon stop doing: it walks a
// hash chain of atomic pointers. A miss looks a second time under the lock of its shard, because the first look may
// have run into an index that was just being resized; PostgreSQL is asked next, so that costs nothing that can be felt.
//
// # Forgetting
//
// The keys are spread over shards, each with a lock for its writers. Within a shard the order of forgetting is S3-FIFO
// (Yang et al., SOSP 2023): entries start in a small queue and move to the main one only when they are asked for while
// they wait, so that a scan passes through without driving out what is popular; keys that left the small queue are
// remembered by a fingerprint, and start in the main queue when they come back. The store has one budget for all shards
// and visits them in turn when it needs room, looking at one entry each time, so large entries don't need shards that
// are large enough to hold them.
//
// Expired entries are never given back. Their memory is freed when they are asked for, when they reach the end of their
// queue, or when a neighbour is put, whichever comes first. There is no goroutine and no timer.
//
// # Why not a library
//
// otter v2.4.0 was measured first, with weights in bytes and one expiry for each entry. It evicts after it has inserted,
// and lets other writers go on meanwhile: with 64 goroutines that put entries of 1 MiB into 64 MiB, 6.5 times the limit
// was held at one moment, with entries of 64 KiB 1.5 times. An executor that runs maintenance on the caller's goroutine
// did not change that (7.7 and 1.3 times), one lock around all writers did. What remained then was that lock, room to be
// left for one entry, 130 bytes for each entry against 80 here (a million and 200,000 entries), an index that no weight
// counts, a goroutine for each store, and no way to charge what entries share only once. A look-up among 65,536 keys
// cost 100 ns there and 130 ns here, nearly all of it cache misses, and no allocation on either side.
package memory
