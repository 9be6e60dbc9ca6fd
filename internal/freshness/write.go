package freshness

import "slices"

// Write is a write that is under way: one statement, or all the writes of one transaction. It belongs to one session and
// is not safe for concurrent use. The zero Write is one that has written nothing yet.
type Write struct {
	ledger  *Ledger
	tags    []Tag // of the tables
	changes []Change
	all     bool
}

// maxChanges bounds what is remembered of a transaction's changes of rows.
const maxChanges = 64

// Begin is called before a statement that makes the changes is sent; all means that it may change anything. It may be called
// again for each statement of a transaction.
func (w *Write) Begin(l *Ledger, changes []Change, all bool) {
	w.ledger = l
	l.mu.Lock()
	defer l.mu.Unlock()
	if all {
		w.beginAll()
		return
	}
	w.note(changes)
	tags := Tables(changes)
	for _, t := range tags {
		if !slices.Contains(w.tags, t) {
			w.tags = append(w.tags, t)
			l.begin(t)
		}
	}
	l.Touch(tags)
}

// note remembers the changes: from some number on those of rows as changes of their tables.
func (w *Write) note(changes []Change) {
	for _, c := range changes {
		if len(w.changes) >= maxChanges {
			c.Rows = nil
		}
		whole := func(other Change) bool { return other.Table == c.Table && len(other.Rows) == 0 }
		if !slices.ContainsFunc(w.changes, whole) {
			w.changes = append(w.changes, c)
		}
	}
}

func (w *Write) beginAll() {
	if !w.all {
		w.all = true
		w.ledger.underWayAll++
	}
	w.ledger.TouchAll()
}

// Touched tells whether anything was begun that has not ended.
func (w *Write) Touched() bool { return w.all || len(w.tags) > 0 }

// Written gives what was begun: the changes, or all.
func (w *Write) Written() (changes []Change, all bool) { return w.changes, w.all }

// Again touches everything that was begun once more and leaves it under way: part of it may have become visible.
func (w *Write) Again() {
	if w.ledger == nil {
		return
	}
	if w.all {
		w.ledger.TouchAll()
	}
	w.ledger.Touch(w.tags)
}

// End is called when the outcome is known and visible: the statement was acknowledged outside a transaction, or the
// transaction was. It does nothing when nothing was begun.
func (w *Write) End() {
	if w.ledger == nil {
		return
	}
	w.Again()
	l := w.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range w.tags {
		l.end(t)
	}
	if w.all {
		l.underWayAll--
	}
	*w = Write{}
}

// Hand gives what is under way to the caller and leaves nothing behind.
func (w *Write) Hand() Write {
	given := *w
	*w = Write{}
	return given
}

func (l *Ledger) begin(t Tag) {
	if l.underWay == nil {
		l.underWay = make(map[uint64]int)
	}
	l.underWay[t%slots]++
}

func (l *Ledger) end(t Tag) {
	if l.underWay[t%slots]--; l.underWay[t%slots] == 0 {
		delete(l.underWay, t%slots)
	}
}
