package driver

import (
	"context"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// openWrite is what a session has written and nobody else may have seen yet.
type openWrite struct {
	cache *cache
	write freshness.Write
	// told is what the fleet was told of it.
	told publication
	// schema is set while the session has changed the schema, or may have, in a transaction that is still open.
	schema bool
}

// begin says what is going to be written by a server process.
func (w *openWrite) begin(ctx context.Context, pid uint32, changes []freshness.Change, all bool) {
	w.write.Begin(&w.cache.ledger, changes, all)
	tables := freshness.Tables(changes)
	w.cache.peers.wrote(tables, all)
	w.cache.shared.publish(ctx, &w.told, pid, tables, all)
}

// alter says that the schema is changed, or may be.
func (w *openWrite) alter() {
	if !w.schema {
		w.schema = true
		w.cache.altering.Add(1)
	}
}

// again is called when what was written is out and another transaction goes on in its place.
func (w *openWrite) again(ctx context.Context) {
	w.write.Again()
	w.mark()
	w.cache.shared.republish(ctx, &w.told)
}

// end ends what is under way: everybody can see it now, or it never happened.
func (w *openWrite) end() {
	schema := w.schema
	if schema {
		// Before the write ends: what is read after it must not be tagged by what names stood for before.
		w.schema = false
		w.cache.schemaChanges()
		w.cache.altering.Add(-1)
	}
	changes, all := w.mark()
	w.write.End()
	switch {
	case schema:
		w.cache.observers.stale(SourceSchema, all)
	case all || len(changes) > 0:
		w.cache.observers.stale(SourceWrite, all)
	}
	w.cache.shared.conclude(&w.told)
}

// mark holds back what was written, until the feed has delivered it or, where there is none, from what others have read.
func (w *openWrite) mark() (changes []freshness.Change, all bool) {
	changes, all = w.write.Written()
	w.cache.wrote(changes, all)
	w.cache.peers.wrote(freshness.Tables(changes), all)
	return changes, all
}

// hand gives what is under way to who waits for its end. Nothing of it is left here.
func (w *openWrite) hand() *openWrite {
	handed := &openWrite{w.cache, w.write.Hand(), w.told, w.schema}
	w.schema, w.told = false, publication{}
	return handed
}
