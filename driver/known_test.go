package driver

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/gopgcache/pgcache/cachestore"
)

// BenchmarkKnownStatement is what a hit pays for knowing its statement: the text is found, and its verdict holds. It is to
// stay below 100 ns.
func BenchmarkKnownStatement(b *testing.B) {
	c := new(cache)
	const query = "select id, branch, owner, balance from accounts where branch = $1 and owner like $2 order by id limit 50"
	id := &identity{}
	a := &answer{at: cachestore.Now()}
	c.texts.of(query).verdict.Store(&verdict{identity: id, answer: a})
	for now := cachestore.Now(); b.Loop(); {
		if t := c.texts.of(query); !t.verdict.Load().holds(c, id, "", now) {
			b.Fatal("the verdict does not hold")
		}
	}
}

// A program that writes literals into its SQL makes texts without end. Memory stays where it is.
func TestTextsAreBounded(t *testing.T) {
	var ts texts
	fill := func(round int) uint64 {
		for i := range 2 * maxTexts {
			ts.of(fmt.Sprintf("select id, owner from accounts where id = %d", 10_000_000+round*2*maxTexts+i))
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	first := fill(0)
	if last := fill(1); last > first+first/2 {
		t.Errorf("%d bytes after %d texts, %d after twice as many", first, 2*maxTexts, last)
	}
	if n := ts.count.Load(); n > maxTexts {
		t.Errorf("%d texts are remembered", n)
	}
}
