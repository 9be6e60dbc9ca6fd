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
	// pid is the number of the server process that writes, 0 if it is not known.
	pid uint32
	// schema is set while the session has changed the schema, or may have, in a transaction that is still open, and altering when that is
	// counted in the cache's.
	schema, altering bool
	// judged is set once the catalog has said what a statement of the transaction does, and asOf is the first count of schema changes
	// that this takes in.
	judged bool
	asOf   uint64
}

// begin says what is going to be written.
func (w *openWrite) begin(ctx context.Context, changes []freshness.Change, all bool) {
	w.write.Begin(&w.cache.ledger, changes, all)
	tables := freshness.Tables(changes)
	w.cache.peers.wrote(tables, all)
	w.cache.shared.publish(ctx, &w.told, w.pid, tables, all)
}

// judge notes what a statement was judged by.
func (w *openWrite) judge(asOf uint64) {
	if !w.judged {
		w.judged, w.asOf = true, asOf
	}
}

// misjudged has everything count as written if the schema has changed since the transaction's statements were judged: PostgreSQL looks
// names, triggers and keys up when it has the locks, and some of it at the end of the transaction. (While a change of the schema is
// under way here so is everything, until it has ended.)
func (w *openWrite) misjudged(ctx context.Context) {
	if w.judged && w.cache.schema.Load() != w.asOf {
		w.begin(ctx, nil, true)
	}
}

// alter says that the schema is changed, or may be.
func (w *openWrite) alter() {
	w.schema = true
	if !w.altering {
		w.altering = true
		w.cache.altering.Add(1)
	}
}

// again is called when what was written is out and another transaction goes on in its place.
func (w *openWrite) again(ctx context.Context) {
	w.misjudged(ctx)
	if w.schema {
		w.cache.schemaChanges()
	}
	w.write.Again()
	w.mark()
	w.cache.shared.republish(ctx, &w.told)
}

// end ends what is under way: everybody can see it now, or it never happened.
func (w *openWrite) end(ctx context.Context) {
	w.misjudged(ctx)
	w.judged = false
	schema := w.schema
	if schema {
		// Before the write ends: what is read after it must not be tagged by what names stood for before.
		w.schema = false
		w.cache.schemaChanges()
	}
	if w.altering {
		w.altering = false
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
	handed := *w
	handed.write = w.write.Hand()
	*w = openWrite{cache: w.cache}
	return &handed
}
