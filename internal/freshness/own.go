package freshness

import "slices"

// Own is a write of this process that the feed has not delivered yet. Until it has, nothing that depends on what it wrote is
// fresh, so that whoever wrote reads what was written.
type Own struct {
	tracker    *Tracker
	tags       []Tag
	everything bool
	position   uint64
}

// Own is called when a write to tables is about to be acknowledged to its caller.
func (t *Tracker) Own(tags []Tag, everything bool) *Own {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := &Own{tracker: t, everything: everything}
	for _, tag := range tags {
		o.tags = append(o.tags, tag, OwnTag(tag))
	}
	for _, tag := range o.tags {
		slot := t.slot(tag)
		t.marks[slot]++
		slot.Or(owned)
	}
	if everything {
		t.everything++
		t.floor.Or(owned)
	}
	return o
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
