package storetest

import (
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

func checkAbsent(p probe) {
	p.wantNothing(keyOf(1), "but nothing was ever put")
	p.put(keyOf(2), entryOf(2, 10))
	p.wantNothing(keyOf(1), "but only another key was put")
	p.wantNothing(cachestore.Key{}, "but only another key was put")
}

func checkWhole(p probe) {
	for i, entry := range []*cachestore.Entry{
		entryOf(1, 1000),
		cachestore.NewEntry(cachestore.Content{Rows: rowset.Table([]string{"only a column"}, nil), ReadAt: time.Now(), Keep: time.Hour}),
		cachestore.NewEntry(cachestore.Content{Rows: rowset.Table(nil, [][]string{{}, {}}), ReadAt: time.Now(), Keep: time.Hour}),
		cachestore.NewEntry(cachestore.Content{Rows: rowset.Table([]string{"null"}, [][]string{{}}), ReadAt: time.Now(), Keep: time.Hour}),
	} {
		p.put(keyOf(i), entry)
		p.want(keyOf(i), entry)
		p.want(keyOf(i), entry)
	}
}

func checkReplace(p probe) {
	for n := range 20 {
		entry := versionOf(1, n)
		p.put(keyOf(1), entry)
		p.want(keyOf(1), entry)
	}
}

func checkManyKeys(p probe) {
	const keys = 2000
	entries := make([]*cachestore.Entry, keys)
	for i := range keys {
		entries[i] = entryOf(i, i%300)
		p.put(keyOf(i), entries[i])
	}
	for i := range keys {
		p.want(keyOf(i), entries[i])
	}
}

// checkSimilarKeys uses keys that differ in one bit only, whichever part of the key a store may look at first.
func checkSimilarKeys(p probe) {
	const bits = 8 * len(cachestore.Key{})
	base := keyOf(1)
	similar := func(bit int) cachestore.Key {
		key := base
		key[bit/8] ^= 1 << (bit % 8)
		return key
	}
	entries := make([]*cachestore.Entry, bits)
	original := entryOf(bits, 10)
	p.put(base, original)
	for bit := range entries {
		p.wantNothing(similar(bit), "but only keys that differ in one bit were put")
		entries[bit] = entryOf(bit, 10)
		p.put(similar(bit), entries[bit])
	}
	p.want(base, original)
	for bit, entry := range entries {
		p.want(similar(bit), entry)
	}
}

func checkSizes(p probe) {
	for i, size := range []int{0, 1, 15, 16, 17, 1 << 10, 32 << 10, 32<<10 + 1, 1 << 20, 8 << 20} {
		entry := entryOf(i, size)
		p.put(keyOf(i), entry)
		p.want(keyOf(i), entry)
	}
}
