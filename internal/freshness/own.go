package freshness

import "slices"

// Own is a write of this process that the feed has not delivered yet. Until it has, nothing that depends on what it wrote is
// fresh, so that whoever wrote reads what was written.
type Own struct {
	tracker    *Tracker
	changes    []Change
	tags       []Tag // what is marked
	everything bool
	position   uint64
}

// Own is called when a write is about to be acknowledged to its caller.
//
// Of a table it marks the table itself, and for each column by which rows are told either the rows that the write names or,
// where it names none, all.
func (t *Tracker) Own(changes []Change, everything bool) *Own {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := &Own{tracker: t, changes: changes, everything: everything}
	for i := range changes {
		c := &changes[i]
		t.mark(o, c.Table)
		for _, column := range t.columns[c.Table] {
			t.mark(o, c.in(column))
		}
	}
	if everything {
		t.everything++
		t.floor.Or(owned)
	}
	t.outstanding[o] = struct{}{}
	return o
}

// mark marks what a write may have changed. The caller holds the lock.
func (t *Tracker) mark(o *Own, tag Tag) {
	o.tags = append(o.tags, tag)
	slot := t.slot(tag)
	t.marks[slot]++
	slot.Or(owned)
}

// Tell says that from now on some entries depend on the rows of a table that have a value in a column: on that tag and on the
// column's, and not on the table's. It holds for writes too that were made before and have not been delivered yet.
func (t *Tracker) Tell(table, column Tag) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.columns[table], column) {
		return
	}
	t.columns[table] = append(t.columns[table], column)
	for o := range t.outstanding {
		for i := range o.changes {
			if c := &o.changes[i]; c.Table == table {
				t.mark(o, c.in(column))
			}
		}
	}
}

// Settle tells a position that is not before the write's commit. It may be called later, from anywhere, once.
func (o *Own) Settle(position uint64) {
	t := o.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	o.position = position
	if t.delivered(o) {
		t.clear(o)
		return
	}
	t.settling = append(t.settling, o)
}

// delivered tells whether the feed is past a write: it has delivered it, or began after it. The caller holds the lock.
func (t *Tracker) delivered(o *Own) bool {
	return t.live && (o.position <= t.passed || o.position <= t.floor.Load()&^owned)
}

// OwnDelivered tells whether there is a feed and it has delivered all that this process has written to the tags.
func (t *Tracker) OwnDelivered(tags []Tag) bool { return t.Fresh(tags, lost-1) }

// settleOwn clears the own writes that the feed has passed. The caller holds the lock.
func (t *Tracker) settleOwn() {
	t.settling = slices.DeleteFunc(t.settling, func(o *Own) bool {
		if !t.delivered(o) {
			return false
		}
		t.clear(o)
		return true
	})
}

// clear takes the marks of a write away. The caller holds the lock.
func (t *Tracker) clear(o *Own) {
	delete(t.outstanding, o)
	for _, tag := range o.tags {
		slot := t.slot(tag)
		if t.marks[slot]--; t.marks[slot] == 0 {
			delete(t.marks, slot)
			slot.And(^uint64(owned))
		}
	}
	if o.everything {
		if t.everything--; t.everything == 0 {
			t.floor.And(^uint64(owned))
		}
	}
}
