package storetest

import (
	"context"
	"sync"

	"github.com/gopgcache/pgcache/cachestore"
)

const (
	readers  = 4
	hotKeys  = 8
	versions = 300
)

// together runs the functions at the same time and waits for all of them.
func together(functions ...func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, f := range functions {
		wg.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	wg.Wait()
}

// wantVersion checks that key holds one of the versions that were put under it, whole, and returns which; -1 for none.
func (p probe) wantVersion(key int) int {
	p.Helper()
	got := p.get(keyOf(key))
	if got == nil {
		return -1
	}
	content := versionOf(key, int(got.Position())).Content()
	content.ReadAt = got.ReadAt()
	if problem := difference(got, cachestore.NewEntry(content), 0); problem != "" {
		p.Errorf("key %d gives what was never put under it: %s", key, problem)
	}
	return int(got.Position())
}

// checkMonotonic has one writer for each key and several readers. A reader that has seen a version must not see an older
// one afterwards.
func checkMonotonic(p probe) {
	var work []func()
	for key := range hotKeys {
		work = append(work, func() {
			for n := range versions {
				p.put(keyOf(key), versionOf(key, n))
			}
		})
	}
	for range readers {
		work = append(work, func() {
			seen := [hotKeys]int{}
			for i := range hotKeys * versions {
				key := i % hotKeys
				n := p.wantVersion(key)
				if n >= 0 && n < seen[key] {
					p.Errorf("key %d gives version %d after version %d", key, n, seen[key])
				}
				seen[key] = max(seen[key], n)
			}
		})
	}
	together(work...)
}

// checkOwnPuts has writers that read their own key after each put, while others grow the store.
func checkOwnPuts(p probe) {
	var work []func()
	for w := range hotKeys {
		work = append(work, func() {
			for n := range versions {
				p.put(keyOf(w), versionOf(w, n))
				if got := p.wantVersion(w); got != n {
					p.Errorf("key %d gives version %d right after its only writer put %d", w, got, n)
				}
				p.put(keyOf(1000+w*versions+n), entryOf(n, 10))
			}
		})
	}
	together(work...)
}

// checkManyWriters has several writers of the same keys. In the end each key holds the last version of one of them.
func checkManyWriters(p probe) {
	const writers = 4
	var work []func()
	for w := range writers {
		work = append(work, func() {
			for n := range versions {
				key := n % hotKeys
				p.put(keyOf(key), versionOf(key, n*writers+w))
				p.wantVersion(key)
			}
		})
	}
	together(work...)
	for key := range hotKeys {
		if n := p.wantVersion(key); n/writers < versions-hotKeys {
			p.Errorf("key %d gives version %d, which every writer had replaced", key, n)
		}
	}
}

// checkUpheaval has puts and gets run into Clear and Close. Whatever a get gives must still have been put under its key,
// and in the end there is nothing.
func checkUpheaval(p probe) {
	var work []func()
	for w := range readers {
		work = append(work, func() {
			for n := range versions {
				key := (n + w) % hotKeys
				p.put(keyOf(key), versionOf(key, n))
				p.wantVersion((n + 1) % hotKeys)
				_ = p.store.Stats()
			}
		})
	}
	work = append(work, func() {
		for range 20 {
			if err := p.store.Clear(context.Background()); err != nil {
				p.Errorf("Clear: %v", err)
			}
		}
		if err := p.store.Close(); err != nil {
			p.Errorf("Close: %v", err)
		}
	})
	together(work...)
	for key := range hotKeys {
		p.wantNothing(keyOf(key), "but the store was closed")
	}
}
