package freshness

import (
	"sync"
	"sync/atomic"
)

// slots is the size of the ledger. It bounds its memory, half a MiB; tags that share a slot only cost needless misses.
const slots = 1 << 16

// Ledger remembers for each tag the position of its last change. The zero Ledger is ready; all methods are safe for
// concurrent use, and Fresh takes no lock.
type Ledger struct {
	position atomic.Uint64
	// floor is the position of the last change of everything.
	floor atomic.Uint64
	slots [slots]atomic.Uint64

	mu sync.Mutex
	// underWay counts the writes that were begun and have not ended, by slot.
	underWay map[uint64]int
	// underWayAll counts those that may touch anything.
	underWayAll int
}

// Position is the position of the latest change. A fill takes it before its query is sent.
func (l *Ledger) Position() uint64 { return l.position.Load() }

// Fresh tells whether none of the tags changed after position.
func (l *Ledger) Fresh(tags []Tag, position uint64) bool {
	if l.floor.Load() > position {
		return false
	}
	for _, t := range tags {
		if l.slots[t%slots].Load() > position {
			return false
		}
	}
	return true
}

// Admit tells whether what was read since position may be kept: its tags did not change, and no write to them is under
// way, which the read may have overlapped.
//
// A write that begins after Admit looked touches its tags at a later position, so the entry is stale before the write is
// sent.
func (l *Ledger) Admit(tags []Tag, position uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.underWayAll > 0 {
		return false
	}
	for _, t := range tags {
		if l.underWay[t%slots] > 0 {
			return false
		}
	}
	return l.Fresh(tags, position)
}

// Touch records that the tags change now.
func (l *Ledger) Touch(tags []Tag) {
	position := l.position.Add(1)
	for _, t := range tags {
		raise(&l.slots[t%slots], position)
	}
}

// TouchAll records that anything may change now.
func (l *Ledger) TouchAll() { raise(&l.floor, l.position.Add(1)) }

// raise lifts a position, never lowers it: two changes may race to the same slot.
func raise(slot *atomic.Uint64, position uint64) {
	for {
		old := slot.Load()
		if old >= position || slot.CompareAndSwap(old, position) {
			return
		}
	}
}
