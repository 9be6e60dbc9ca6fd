package storetest

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/gopgcache/pgcache/cachestore"
)

// copyOf returns an equal entry that shares no memory with entry which anybody could write to.
func copyOf(entry *cachestore.Entry) *cachestore.Entry {
	c := entry.Content()
	c.Arguments, c.Tags = strings.Clone(c.Arguments), slices.Clone(c.Tags)
	return cachestore.NewEntry(c)
}

// checkUntouched: a store may share the entries that it was given, but never write to them.
func checkUntouched(p probe) {
	entry := entryOf(1, 1000)
	before, rows := copyOf(entry), entry.Rows().AppendEncoded(nil)
	p.put(keyOf(1), entry)
	p.put(keyOf(2), entry)
	p.want(keyOf(1), before)
	p.put(keyOf(1), entryOf(3, 10))
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear: %v", err)
	}
	if problem := difference(entry, before, 0); problem != "" || !bytes.Equal(entry.Rows().AppendEncoded(nil), rows) {
		p.Errorf("the store changed an entry that it was given: %s", problem)
	}
}

// checkOutlives: a reader may go on with its entry after the store has replaced, cleared and closed it away.
func checkOutlives(p probe) {
	put := entryOf(1, 1000)
	p.put(keyOf(1), put)
	got := p.get(keyOf(1))
	if got == nil {
		p.Fatalf("nothing is given")
	}
	p.put(keyOf(1), entryOf(2, 1000))
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear: %v", err)
	}
	p.put(keyOf(1), entryOf(3, 1000))
	if err := p.store.Close(); err != nil {
		p.Errorf("Close: %v", err)
	}
	if problem := difference(got, put, p.older); problem != "" {
		p.Errorf("an entry changed in its reader's hands: %s", problem)
	}
}
