package freshness

import (
	"math"
	"slices"
)

// Fill is a query that is run to make an entry, from before it is sent until it is known whether its result may be kept.
type Fill struct {
	tracker  *Tracker
	ticket   uint64
	epoch    uint64
	read     bool
	snapshot Snapshot
	position uint64
	reads    Reads
	decide   func(admitted bool)
}

// Reads are what the result of a fill depends on.
type Reads struct {
	// Tables are the tags of the tables that it read.
	Tables []Tag
	// Tags are those that the entry will depend on: of a table that was read by a column's value, the rows' in place of the table's.
	Tags []Tag
	// Since is the position from which on commits tell the rows by those columns.
	Since uint64
	// After is the last transaction that may have changed the tables without the feed's knowing: the fill has to see them all.
	After uint64
}

// Begin is called before the query is sent.
func (t *Tracker) Begin() *Fill {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tickets++
	t.begun = append(t.begun, t.tickets)
	return &Fill{tracker: t, ticket: t.tickets, epoch: t.epoch}
}

// Read tells what was asked of the server before the query, in the same round trip: a snapshot, and after it the position of
// the latest commit that may have been written. What the query sees the snapshot sees, or it is later.
func (f *Fill) Read(snapshot Snapshot, position uint64) {
	t := f.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	f.read, f.snapshot, f.position = true, snapshot, position
	t.observe(&snapshot)
}

// Position is the position that the result was read at.
func (f *Fill) Position() uint64 { return f.position }

// Admit ends the fill and calls decide once: with true when the result may be kept, as an entry that was read at the fill's
// position. That may be at once, or later from the feed, so decide must not block.
func (f *Fill) Admit(reads Reads, decide func(admitted bool)) {
	t := f.tracker
	t.mu.Lock()
	f.reads, f.decide = reads, decide
	if t.live && f.read && f.epoch == t.epoch && f.position > t.passed && len(t.waiting) < maxWaiting {
		t.waiting = append(t.waiting, f)
		t.mu.Unlock()
		return
	}
	admitted := f.position <= t.passed && t.admits(f)
	t.end(f)
	t.mu.Unlock()
	decide(admitted)
}

// maxWaiting bounds the fills that wait for a feed that is behind.
const maxWaiting = 4096

// End is called instead of Admit for a fill whose result is not to be kept.
func (f *Fill) End() {
	f.tracker.mu.Lock()
	defer f.tracker.mu.Unlock()
	f.tracker.end(f)
}

// end takes a fill off the list of those in flight. The caller holds the lock.
func (t *Tracker) end(f *Fill) {
	if i, found := slices.BinarySearch(t.begun, f.ticket); found {
		t.begun = slices.Delete(t.begun, i, i+1)
	}
}

// admits is the rule: see the package's documentation. The feed has passed the fill's position. The caller holds the lock.
func (t *Tracker) admits(f *Fill) bool { return t.heldBy(f, &f.reads) == all }

// all is the position up to which a result holds the commits when it lacks none that was delivered.
const all = math.MaxUint64

// Holds gives the position up to which the result has every commit in it that was delivered so far. Whoever wants to share it must
// not have been told of later ones: see the package's documentation. It is not known before Read, and to be asked before Admit
// or End.
func (f *Fill) Holds(reads *Reads) (position uint64, known bool) {
	f.tracker.mu.Lock()
	defer f.tracker.mu.Unlock()
	return f.tracker.heldBy(f, reads), f.read
}

// heldBy gives the position up to which a fill's result has every commit in it that was delivered. The caller holds the lock.
func (t *Tracker) heldBy(f *Fill, reads *Reads) uint64 {
	if !t.live || !f.read || f.epoch != t.epoch || !f.snapshot.Past(max(t.after, reads.After)) {
		return 0
	}
	for i := range t.pending {
		if p := &t.pending[i]; !f.snapshot.Sees(p.XID) && p.touches(reads.of(p.Position)) {
			return p.Position - 1
		}
	}
	return all
}

// of gives the tags by which a commit tells whether it changed what was read. One that was delivered before anybody cared for
// the rows tells tables only.
func (r *Reads) of(position uint64) []Tag {
	if position > r.Since {
		return r.Tags
	}
	return r.Tables
}

func (c *Commit) touches(tags []Tag) bool {
	return c.Everything || slices.ContainsFunc(tags, func(t Tag) bool { return slices.Contains(c.Tags, t) })
}

// Observe tells of a snapshot that was taken for no fill.
func (t *Tracker) Observe(s Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observe(&s)
}

// observe lets go of the pending commits that every fill sees that is in flight or will come. The caller holds the lock.
func (t *Tracker) observe(s *Snapshot) {
	t.past = t.past || s.Past(t.after)
	next := t.tickets + 1
	oldest := next
	if len(t.begun) > 0 {
		oldest = t.begun[0]
	}
	kept := t.pending[:0]
	for _, p := range t.pending {
		if p.seen == 0 && s.Sees(p.XID) {
			p.seen = next
		}
		if p.seen == 0 || p.seen > oldest {
			kept = append(kept, p)
		}
	}
	clear(t.pending[len(kept):])
	t.pending = kept
}
