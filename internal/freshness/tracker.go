package freshness

import (
	"slices"
	"sync"
	"sync/atomic"
)

// The sizes of a tracker's arrays: half a MiB for tables, eight for rows. Writers that touch other rows than those that are
// read fill the array in time; with a million places that costs few readers anything.
const (
	tableSlots = 1 << 16
	rowSlots   = 1 << 20
)

// owned marks a slot, or the floor, that this process has written to while the feed has not delivered the write. It makes
// the position in it later than any.
const owned = 1 << 63

// lost is the floor while there is no feed.
const lost = owned - 1

// Commit is one transaction as the feed delivers it.
type Commit struct {
	// Position is where it stands in the order of commits.
	Position uint64
	// XID is the number of the top-level transaction, in 64 bits.
	XID uint64
	// Tags are what it changed.
	Tags []Tag
	// Everything is set when it may have changed anything, as DDL may.
	Everything bool
	// Schema is set when it may have changed what names stand for.
	Schema bool
}

// Tracker is a ledger that a feed writes: it knows the commits of the whole server, whoever made them. See the package's
// documentation for the rule that it keeps. Fresh takes no lock; all methods are safe for concurrent use, but those of the
// feed (Start, Commit, Pass, Lose) must come in the feed's order.
type Tracker struct {
	// floor is the position before which nothing is known.
	floor atomic.Uint64
	// before is what the floor was when the feed was lost.
	before atomic.Uint64
	tables []atomic.Uint64
	rows   []atomic.Uint64

	mu sync.Mutex
	// live is set while there is a feed, and epoch counts the feeds that there were.
	live  bool
	epoch uint64
	// passed is the position up to which the feed has delivered everything, and told that of the last commit that it has.
	passed, told uint64
	// after is the last transaction of those that the feed may not have delivered, or that are forgotten; past is set when a snapshot
	// is known that sees them all.
	after uint64
	past  bool
	// pending are the commits that the snapshot of some fill may not see.
	pending []pending
	// tickets numbers the fills; begun are those in flight, sorted.
	tickets uint64
	begun   []uint64
	// waiting are the fills that wait for the feed.
	waiting []*Fill
	// marks counts the own writes that mark a slot; everything those that mark all.
	marks      map[*atomic.Uint64]int
	everything int
	// columns are those by which rows of a table are told, by the table.
	columns map[Tag][]Tag
	// outstanding are the own writes that have not been delivered, and settling those of them whose end in the order of commits
	// is known.
	outstanding map[*Own]struct{}
	settling    []*Own
	// passing is closed and made anew when passed grows; nil when nobody waits for it.
	passing chan struct{}
}

// pending is a commit that was delivered and that some snapshot may not see.
type pending struct {
	Commit
	// seen is the ticket of the next fill when a snapshot was known to see the commit: fills with earlier tickets may
	// have older snapshots. It is 0 before.
	seen uint64
}

// NewTracker makes a tracker without a feed: nothing is fresh until Start.
func NewTracker() *Tracker { return newTracker(tableSlots, rowSlots) }

func newTracker(tables, rows int) *Tracker {
	t := &Tracker{
		tables: make([]atomic.Uint64, tables), rows: make([]atomic.Uint64, rows),
		marks: make(map[*atomic.Uint64]int), columns: make(map[Tag][]Tag), outstanding: make(map[*Own]struct{}),
	}
	t.floor.Store(lost)
	return t
}

// slot is where the position of a tag's last change is kept.
func (t *Tracker) slot(tag Tag) *atomic.Uint64 {
	if tag&rowTag != 0 {
		return &t.rows[tag&^rowTag%Tag(len(t.rows))]
	}
	return &t.tables[tag%Tag(len(t.tables))]
}

// Fresh tells whether none of the tags is known to have changed after position.
func (t *Tracker) Fresh(tags []Tag, position uint64) bool {
	if t.floor.Load() > position {
		return false
	}
	for _, tag := range tags {
		if t.slot(tag).Load() > position {
			return false
		}
	}
	return true
}

// Unchanged is Fresh without a view to own writes that the feed has not delivered yet.
func (t *Tracker) Unchanged(tags []Tag, position uint64) bool {
	if t.floor.Load()&^owned > position {
		return false
	}
	for _, tag := range tags {
		if t.slot(tag).Load()&^owned > position {
			return false
		}
	}
	return true
}

// WasFresh tells whether none of the tags was known to have changed after position when the feed was lost, nor was written
// by this process.
func (t *Tracker) WasFresh(tags []Tag, position uint64) bool {
	if t.floor.Load() != lost || t.before.Load() > position {
		return false
	}
	for _, tag := range tags {
		if t.slot(tag).Load() > position {
			return false
		}
	}
	return true
}

// Live tells whether there is a feed.
func (t *Tracker) Live() bool { return t.floor.Load()&^owned != lost }

// Start is called when a stream of commits has begun. It delivers every commit after position; commits of transactions up to
// after may be missing from it.
func (t *Tracker) Start(position, after uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live, t.after, t.past, t.passed, t.told = true, after, false, 0, position
	t.epoch++
	t.setFloor(position)
	t.settleOwn()
}

// Lose is called when the stream has broken. Nothing is fresh until the next has begun.
func (t *Tracker) Lose() {
	t.mu.Lock()
	if t.live {
		t.before.Store(t.floor.Load() &^ owned)
	}
	t.live = false
	t.epoch++
	t.pending = nil
	t.setFloor(lost)
	waiting := t.waiting
	t.waiting = nil
	for _, f := range waiting {
		t.end(f)
	}
	t.announce()
	t.mu.Unlock()
	for _, f := range waiting {
		f.decide(false)
	}
}

// setFloor sets the floor and leaves its mark. The caller holds the lock.
func (t *Tracker) setFloor(position uint64) {
	if t.everything > 0 {
		position |= owned
	}
	t.floor.Store(position)
}

// Commit records a commit.
func (t *Tracker) Commit(c Commit) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.told = max(t.told, c.Position)
	if c.Everything {
		lift(&t.floor, c.Position)
	}
	for _, tag := range c.Tags {
		lift(t.slot(tag), c.Position)
	}
	t.pending = append(t.pending, pending{Commit: c})
	if len(t.pending) > maxPending {
		t.forgetPending()
	}
}

// lift raises a position and leaves its mark.
func lift(slot *atomic.Uint64, position uint64) {
	for {
		old := slot.Load()
		if old&^owned >= position || slot.CompareAndSwap(old, old&owned|position) {
			return
		}
	}
}

// maxPending bounds the commits that are remembered for fills to come.
const maxPending = 16 << 10

// forgetPending lets the pending commits go: fills have to see everything up to the last of them instead. The caller holds
// the lock.
func (t *Tracker) forgetPending() {
	for _, p := range t.pending {
		t.after = max(t.after, p.XID)
	}
	t.pending, t.past = nil, false
}

// Pass records that the feed has delivered everything up to position.
func (t *Tracker) Pass(position uint64) {
	t.mu.Lock()
	if position <= t.passed {
		t.mu.Unlock()
		return
	}
	t.passed = position
	t.settleOwn()
	admitted, rejected := t.passWaiting()
	t.announce()
	t.mu.Unlock()
	for _, f := range admitted {
		f.decide(true)
	}
	for _, f := range rejected {
		f.decide(false)
	}
}

// passWaiting takes out the fills that need wait no longer. The caller holds the lock.
func (t *Tracker) passWaiting() (admitted, rejected []*Fill) {
	t.waiting = slices.DeleteFunc(t.waiting, func(f *Fill) bool {
		switch {
		case f.position > t.passed:
			return false
		case t.admits(f):
			admitted = append(admitted, f)
		default:
			rejected = append(rejected, f)
		}
		t.end(f)
		return true
	})
	return admitted, rejected
}

// announce wakes those who wait for the feed. The caller holds the lock.
func (t *Tracker) announce() {
	if t.passing != nil {
		close(t.passing)
		t.passing = nil
	}
}

// Position is the position up to which the feed has delivered everything.
func (t *Tracker) Position() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.passed
}

// Told is the position of the last commit that was delivered, or where the stream began. What another process has read at or
// after it lacks none of the commits before it, whatever this tracker was told of them.
func (t *Tracker) Told() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.told
}

// Changed is the position of the last change of the tags that is known, or the one before which nothing is.
func (t *Tracker) Changed(tags []Tag) uint64 {
	position := t.floor.Load() &^ owned
	for _, tag := range tags {
		position = max(position, t.slot(tag).Load()&^owned)
	}
	return position
}

// Passed gives the position up to which the feed has delivered everything, and a channel that is closed when that changes or
// the feed is lost. live is false while there is no feed.
func (t *Tracker) Passed() (position uint64, changes <-chan struct{}, live bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.passing == nil {
		t.passing = make(chan struct{})
	}
	return t.passed, t.passing, t.live
}
