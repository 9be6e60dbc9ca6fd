package freshness

import (
	"sync"
	"testing"

	"pgregory.net/rapid"
)

var a, b = TableTag(1), TableTag(2)

func TestFreshUntilTouched(t *testing.T) {
	var l Ledger
	at := l.Position()
	if !l.Fresh([]Tag{a, b}, at) || !l.Fresh(nil, at) {
		t.Error("stale without a change")
	}
	l.Touch([]Tag{b})
	if l.Fresh([]Tag{a, b}, at) || !l.Fresh([]Tag{a}, at) || !l.Fresh([]Tag{b}, l.Position()) {
		t.Error("a change of b")
	}
	l.TouchAll()
	if l.Fresh([]Tag{a}, at) || l.Fresh(nil, at) || !l.Fresh([]Tag{a}, l.Position()) {
		t.Error("a change of everything")
	}
}

// A fill that overlaps a write is not admitted, however the two lie.
func TestAdmission(t *testing.T) {
	for name, overlap := range map[string]func(l *Ledger, w *Write) (position uint64){
		"write begins before the fill and goes on": func(l *Ledger, w *Write) uint64 { w.Begin(l, Whole(a), false); return l.Position() },
		"write begins before the fill and ends": func(l *Ledger, w *Write) uint64 {
			w.Begin(l, Whole(a), false)
			defer w.End()
			return l.Position()
		},
		"write begins during the fill": func(l *Ledger, w *Write) uint64 { defer w.Begin(l, Whole(a), false); return l.Position() },
		"write within the fill": func(l *Ledger, w *Write) uint64 {
			defer func() { w.Begin(l, Whole(a), false); w.End() }()
			return l.Position()
		},
		"write to everything": func(l *Ledger, w *Write) uint64 { w.Begin(l, nil, true); return l.Position() },
	} {
		var l Ledger
		var w Write
		position := overlap(&l, &w)
		if l.Admit([]Tag{a}, position) {
			t.Error(name)
		}
		w.End()
		if !l.Admit([]Tag{a}, l.Position()) {
			t.Error(name + ": a fill after it")
		}
	}
}

func TestWriteOfATransaction(t *testing.T) {
	var l Ledger
	var w Write
	w.End() // nothing was begun
	w.Begin(&l, Whole(a), false)
	w.Begin(&l, Whole(a, b), false)
	at := l.Position()
	w.Again()
	if l.Fresh([]Tag{a}, at) || l.Fresh([]Tag{b}, at) || l.Admit([]Tag{b}, l.Position()) {
		t.Error("after a part became visible")
	}
	given := w.Hand()
	if w.Touched() || !given.Touched() {
		t.Error("hand")
	}
	w.End()
	if l.Admit([]Tag{b}, l.Position()) {
		t.Error("the write is still under way elsewhere")
	}
	given.End()
	if !l.Admit([]Tag{a, b}, l.Position()) || len(l.underWay) != 0 {
		t.Error("after the end")
	}
}

// The ledger against a model that keeps every change: it may call fresh things stale (tags share slots), never the reverse.
func TestLedgerNeverCallsStaleFresh(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Ledger
		last := map[Tag]uint64{}
		var everything uint64
		tag := rapid.Custom(func(t *rapid.T) Tag {
			return rapid.Uint64Range(0, 3).Draw(t, "slot") + slots*rapid.Uint64Range(0, 2).Draw(t, "turn")
		})
		t.Repeat(map[string]func(*rapid.T){
			"touch": func(t *rapid.T) {
				tags := rapid.SliceOfN(tag, 1, 3).Draw(t, "tags")
				l.Touch(tags)
				for _, tg := range tags {
					last[tg] = l.Position()
				}
			},
			"touch all": func(*rapid.T) { l.TouchAll(); everything = l.Position() },
			"": func(t *rapid.T) {
				tg, at := tag.Draw(t, "tag"), rapid.Uint64Range(0, l.Position()).Draw(t, "position")
				if l.Fresh([]Tag{tg}, at) && (last[tg] > at || everything > at) {
					t.Errorf("tag %d at %d is called fresh; it changed at %d, everything at %d", tg, at, last[tg], everything)
				}
			},
		})
	})
}

// Two writers that race to one slot leave the later position.
func TestConcurrentTouches(t *testing.T) {
	var l Ledger
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				at := l.Position()
				l.Touch([]Tag{a})
				if l.Fresh([]Tag{a}, at) {
					t.Error("fresh after an own touch")
				}
			}
		})
	}
	wg.Wait()
	if l.Position() != 8000 || l.Fresh([]Tag{a}, 7999) {
		t.Error(l.Position())
	}
}
