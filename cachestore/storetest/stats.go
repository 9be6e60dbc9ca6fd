package storetest

import "context"

func checkStatsEntries(p probe) {
	wantEntries := func(want int64, when string) {
		if got := p.store.Stats().Entries; got != want {
			p.Errorf("Stats counts %d entries %s, want %d", got, when, want)
		}
	}
	wantEntries(0, "at first")
	p.putSome()
	wantEntries(someKeys, "after as many puts")
	p.putSome()
	wantEntries(someKeys, "after each was replaced")
	for i := range someKeys {
		p.get(keyOf(i))
		p.get(keyOf(-1 - i))
	}
	wantEntries(someKeys, "after gets")
	if evicted := p.store.Stats().Evicted; evicted != 0 {
		p.Errorf("Stats counts %d evictions in a store with room", evicted)
	}
}

// checkStatsBytes: bytes grow and shrink with what is kept, and don't add up as entries are replaced.
func checkStatsBytes(p probe) {
	bytes := func() int64 { return p.store.Stats().Bytes }
	empty := bytes()
	p.put(keyOf(1), entryOf(1, 100_000))
	one := bytes()
	p.put(keyOf(2), entryOf(2, 100_000))
	two := bytes()
	if empty < 0 || one <= empty || two <= one {
		p.Errorf("Stats counts %d bytes with nothing, %d with one entry, %d with two", empty, one, two)
	}
	for i := range 50 {
		p.put(keyOf(1), entryOf(i, 100_000))
	}
	if after := bytes(); after > two+two/10 {
		p.Errorf("Stats counts %d bytes for two entries, %d after one was replaced many times", two, after)
	}
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear: %v", err)
	}
	if after := bytes(); after > empty {
		p.Errorf("Stats counts %d bytes after Clear, %d in a new store", after, empty)
	}
}
