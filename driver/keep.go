package driver

import (
	"context"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// finish keeps the result if it may be kept, and tells everybody how it ended. The entry is in the store before the caller
// sees the end, so that its next query finds it, unless a feed has to tell more first, or a store of the user's own is given it in the
// background; and observers have been told.
func (f *fill) finish(err error) {
	f.err = err
	f.noteTime()
	f.cache.stats.fills.Add(1)
	if f.admission != nil && !f.discarded {
		reads := f.request.reads()
		f.flight.holds, _ = f.admission.Holds(&reads)
	}
	set := f.recording.Set()
	if err == nil && !f.discarded {
		f.confirmForOthers()
	}
	var rows, bytes int
	switch moves := f.cache.schemaMoves(f.request.verdict.answer.schema); {
	case moves:
		f.stray()
	case err != nil:
		f.discard()
		f.flight.land(f.outcomeOf(err), nil, err)
	case set != nil && !f.discarded:
		rows, bytes = set.Len(), set.Size()
		f.flight.land(served, f.keep(set), nil)
	}
	if err != nil {
		f.cache.stats.fillErrors.Add(1)
	}
	f.cache.observers.filled(f, rows, bytes)
	f.recording.End(err)
	f.mu.Lock()
	f.over = true
	given := f.given
	f.mu.Unlock()
	if given {
		_ = f.std.Close()
	}
	close(f.done)
}

// confirmForOthers has the feed tell of what somebody elsewhere has changed by now, for those who wait in other sessions, if it tells
// of changes of the schema at all. If it is late they ask for themselves.
func (f *fill) confirmForOthers() {
	fw := f.request.verdict.follower
	if fw != nil && fw.events.Load() && f.flight.close() > 0 && !fw.confirm(&f.ctx) {
		f.flight.land(goAlone, nil, nil)
	}
}

// stray is called when the query may have done something else than it was judged for, because the schema has changed or is being
// changed: PostgreSQL looks up what names stand for once it has the locks. What it gave is right for the session that it ran in, and for no
// other; and what it did may be anything.
func (f *fill) stray() {
	f.forgets = true
	if !f.request.verdict.current(f.cache) { // else everything is under way with the change
		w := openWrite{cache: f.cache, pid: f.std.Conn().PgConn().PID()}
		w.begin(f.ctx.Context, nil, true)
		w.end(f.ctx.Context)
	}
	f.discard()
	f.flight.land(goAlone, nil, nil)
}

// keep puts the result into the store, unless something changed while it was read.
func (f *fill) keep(set *rowset.Set) *cachestore.Entry {
	v := f.request.verdict
	rule := v.rule
	entry := cachestore.NewEntry(cachestore.Content{
		Statement: v.statement, Arguments: string(f.request.arguments.bytes()), Rows: set,
		Position: f.position(), Tags: f.request.tags(),
		ReadAt: f.started, Cost: f.spent,
		Keep: rule.TTL + max(rule.Stale, rule.StaleIfError),
	})
	switch {
	case set.Len() == 0 && rule.Empty == dsn.EmptySkip:
		f.discard()
	case f.admission != nil:
		f.admission.Admit(f.request.reads(), func(admitted bool) { f.admitted(entry, admitted && v.current(f.cache)) })
	case f.request.byMark:
		f.store(entry, f.request.quiet && f.cache.ledger.Admit(f.request.tags(), f.flight.position))
	default:
		f.store(entry, f.cache.ledger.Admit(f.request.tags(), f.flight.position))
	}
	return entry
}

// position is where the result stands in the order of changes by which it will be judged.
func (f *fill) position() uint64 {
	switch {
	case f.admission != nil:
		return f.admission.Position()
	case f.request.byMark:
		return f.request.mark
	default:
		return f.flight.position
	}
}

// discard says that the result will not be kept.
func (f *fill) discard() {
	if f.discarded {
		return // it was too large, and then failed
	}
	f.discarded = true
	f.flight.decide(nil)
	if f.admission != nil {
		f.admission.End()
	}
}

// admitted is called with whether the entry may be kept, in the feed's goroutine or the caller's, which waits. A store of the user's
// own may take its time, so it is given the entry in the background, unless it is slow with many already.
func (f *fill) admitted(entry *cachestore.Entry, admitted bool) {
	c := f.cache
	if c.memory != nil || !admitted {
		f.store(entry, admitted)
		return
	}
	select {
	case c.putting <- struct{}{}:
	default:
		f.store(entry, false)
		return
	}
	done := func() { <-c.putting }
	if !c.background.run(func(ctx context.Context) { defer done(); f.put(ctx, entry) }) {
		done()
		f.store(entry, false)
	}
}

// store puts an entry into the store if it was admitted.
func (f *fill) store(entry *cachestore.Entry, admitted bool) {
	if !admitted {
		f.cache.stats.rejectedFills.Add(1)
		f.flight.decide(nil)
		return
	}
	f.put(f.ctx.Context, entry)
}

// put puts an entry into the store.
func (f *fill) put(ctx context.Context, entry *cachestore.Entry) {
	f.cache.putNear(ctx, f.flight.key, entry)
	f.flight.decide(entry)
	f.request.text.tally.bytes.Add(int64(entry.Rows().Size()))
}

// finished tells whether the connection is free again.
func (f *fill) finished() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}
