package storetest

import "context"

const someKeys = 100

func (p probe) putSome() {
	for i := range someKeys {
		p.put(keyOf(i), entryOf(i, 100))
	}
}

func checkClear(p probe) {
	p.putSome()
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear: %v", err)
	}
	for i := range someKeys {
		p.wantNothing(keyOf(i), "but the store was cleared")
	}
	if entries := p.store.Stats().Entries; entries != 0 {
		p.Errorf("a cleared store says it has %d entries", entries)
	}
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear of an empty store: %v", err)
	}
}

func checkUseAfterClear(p probe) {
	p.putSome()
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear: %v", err)
	}
	for i := range someKeys {
		entry := entryOf(i+1, 50)
		p.put(keyOf(i), entry)
		p.want(keyOf(i), entry)
	}
}

// checkUseAfterClose: a driver that is shutting down must not see errors from a store that went first.
func checkUseAfterClose(p probe) {
	p.putSome()
	if err := p.store.Close(); err != nil {
		p.Errorf("Close: %v", err)
	}
	p.wantNothing(keyOf(1), "but the store was closed")
	p.put(keyOf(someKeys), entryOf(1, 10))
	p.wantNothing(keyOf(someKeys), "but it was put into a closed store")
	p.put(keyOf(1), entryOf(1, 10))
	p.wantNothing(keyOf(1), "but it was put into a closed store")
	if err := p.store.Clear(context.Background()); err != nil {
		p.Errorf("Clear of a closed store: %v", err)
	}
	p.put(keyOf(2), entryOf(2, 10))
	p.wantNothing(keyOf(2), "but it was put into a closed and cleared store")
	if stats := p.store.Stats(); stats.Entries != 0 {
		p.Errorf("a closed store says it has %d entries", stats.Entries)
	}
}

func checkCloseTwice(p probe) {
	p.putSome()
	for range 3 {
		if err := p.store.Close(); err != nil {
			p.Errorf("Close: %v", err)
		}
	}
}
