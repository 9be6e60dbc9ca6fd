package storetest

import "sync/atomic"

// bound is the limit of the stores whose bound is checked, in bytes.
const bound = 4 << 20

// mixedSize returns sizes of entries from a few bytes to a good part of the bound.
func mixedSize(i int) int {
	return []int{10, 100, 1000, 10_000, 100_000, 300_000}[i%6]
}

// wantWithin checks the bound at this moment.
func (p probe) wantWithin() {
	p.Helper()
	if stats := p.store.Stats(); stats.Bytes > bound {
		p.Errorf("the store holds %d bytes in %d entries, its limit is %d", stats.Bytes, stats.Entries, int64(bound))
	}
}

// checkBound offers more than ten times the bound.
func checkBound(p probe) {
	kept := 0
	for i := range 700 {
		p.put(keyOf(i), entryOf(i, mixedSize(i)))
		p.wantWithin()
		p.get(keyOf(i / 2))
	}
	for i := range 700 {
		if p.get(keyOf(i)) != nil {
			kept++
		}
	}
	stats := p.store.Stats()
	if stats.Evicted == 0 || stats.Evicted > 700 {
		p.Errorf("Stats counts %d evictions of 700 entries", stats.Evicted)
	}
	if int64(kept) != stats.Entries || stats.Bytes < bound/2 {
		p.Errorf("%d entries can be got of a full store that says %+v", kept, stats)
	}
}

// checkBoundConcurrent has many writers at once, each of which looks at the bound after every put.
func checkBoundConcurrent(p probe) {
	const writers, puts = 16, 60
	var violations atomic.Int64
	var work []func()
	for w := range writers {
		work = append(work, func() {
			for i := range puts {
				p.put(keyOf(w*puts+i), entryOf(i, mixedSize(i+w)))
				if p.store.Stats().Bytes > bound {
					violations.Add(1)
				}
			}
		})
	}
	together(work...)
	if n := violations.Load(); n > 0 {
		p.Errorf("the store held more than its limit after %d of %d puts", n, writers*puts)
	}
	p.wantWithin()
}

// checkFullStoreKeeps: a store that is full makes room for newcomers, rather than turning them away for ever.
func checkFullStoreKeeps(p probe) {
	const each = 50_000
	for i := range 3 * bound / each {
		p.put(keyOf(i), entryOf(i, each))
	}
	kept := 0
	for i := range 20 {
		p.put(keyOf(-1-i), entryOf(i, each))
		if p.get(keyOf(-1-i)) != nil {
			kept++
		}
	}
	if kept < 10 {
		p.Errorf("a full store kept %d of 20 newcomers", kept)
	}
}

// checkTooLarge: what doesn't fit is dropped, and so is what it would have replaced.
func checkTooLarge(p probe) {
	p.put(keyOf(1), entryOf(1, 10))
	p.put(keyOf(2), entryOf(2, 10))
	p.put(keyOf(1), entryOf(3, 2*bound))
	p.wantNothing(keyOf(1), "but an entry larger than the store was put last")
	p.wantWithin()
	if p.get(keyOf(2)) == nil {
		p.Errorf("another key is gone because of an entry that was never kept")
	}
}
