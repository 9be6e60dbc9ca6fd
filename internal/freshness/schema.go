package freshness

import "slices"

// A change of the schema is delivered before anybody sees it, as any commit may be. What the catalog says in between is what was
// true before, though the change has been told of. So a question to the catalog is judged as a fill is: Begin before the schema's
// state is noted, Read with a snapshot that what is asked after it sees, and SeesSchema with the answer at hand.

// SeesSchema tells whether the snapshot sees every change of the schema that was delivered so far. Without a feed there is nothing
// to hold it against. It is to be asked before End.
func (f *Fill) SeesSchema() bool {
	t := f.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.live {
		return true
	}
	return f.read && f.epoch == t.epoch && f.snapshot.Past(t.after) &&
		!slices.ContainsFunc(t.pending, func(p pending) bool { return p.Schema && !f.snapshot.Sees(p.XID) })
}

// SchemaSeen tells whether every change of the schema that was delivered so far is known to be visible: who asks the catalog, or has
// a statement planned, after this returned true has it right. Without a feed it is true.
func (t *Tracker) SchemaSeen() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.live || t.past && !slices.ContainsFunc(t.pending, func(p pending) bool { return p.Schema && p.seen == 0 })
}
