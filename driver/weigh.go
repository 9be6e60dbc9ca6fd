package driver

import (
	"context"
	"slices"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/driver/internal/argument"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// weigh tells what an entry is worth to a request: it may be served, whatever its age; or it could be if PostgreSQL can't be
// asked; or nothing.
func (c *cache) weigh(r *request, e *cachestore.Entry) (entry, past *cachestore.Entry) {
	switch {
	case !r.is(e):
		c.stats.corruptEntries.Add(1)
		return nil, nil
	case !r.tagged(e):
		return nil, nil // what the names stand for changed
	case c.unchanged(r, e):
		return e, nil
	case r.verdict.follower != nil && r.verdict.rule.StaleIfError > 0 && c.wasUnchanged(r, e):
		return nil, e
	default:
		return nil, nil // the tables changed
	}
}

// confirm has the feed deliver all that was visible when the request was made. It tries once.
func (r *request) confirm(ctx context.Context) bool {
	if !r.asked {
		r.asked, r.confirmed = true, r.verdict.follower.confirm(ctx)
	}
	return r.confirmed
}

// unchanged tells whether nothing that an entry depends on is known to have changed since it was read.
func (c *cache) unchanged(r *request, e *cachestore.Entry) bool {
	fw := r.verdict.follower
	switch {
	case c.cutoffs.since(e.ReadInstant(), r.verdict.tags):
		return false
	case fw != nil:
		return r.verdict.toldSince(e) && fw.tracker.Fresh(e.Tags(), e.Position())
	case r.byMark:
		return e.Position() == r.mark
	default:
		return c.ledger.Fresh(e.Tags(), e.Position())
	}
}

// wasUnchanged is unchanged as of the moment when the feed was lost.
func (c *cache) wasUnchanged(r *request, e *cachestore.Entry) bool {
	v := r.verdict
	return v.toldSince(e) && !c.cutoffs.since(e.ReadInstant(), v.tags) && v.follower.tracker.WasFresh(e.Tags(), e.Position())
}

// is tells whether an entry was made for just this request.
func (r *request) is(e *cachestore.Entry) bool {
	return e.Arguments() == string(r.arguments.bytes()) && e.Statement() == r.verdict.statement.Text()
}

// tagged tells whether an entry has the request's tags. A hit has no need of memory for it.
func (r *request) tagged(e *cachestore.Entry) bool {
	args, _, _ := argument.Plain(r.args)
	var room [8]freshness.Tag
	return slices.Equal(e.Tags(), r.verdict.appendTags(room[:0], args))
}

// weighForeign judges an entry that another process made, and keeps it in memory if it is good. One that may be served is
// given as entry; past is one that is only too old.
func (c *cache) weighForeign(ctx context.Context, r *request, e *cachestore.Entry) (entry, past *cachestore.Entry) {
	if r.verdict.strict && !r.confirm(ctx) {
		return nil, nil
	}
	entry, past = c.weigh(r, e)
	if entry == nil {
		return nil, past
	}
	e = r.under(e)
	c.putNear(context.WithoutCancel(ctx), r.key, e)
	if age := e.Age(r.began); age >= r.ttl()+r.verdict.rule.Stale || r.wishes.refresh {
		return nil, e
	}
	c.stats.sharedHits.Add(1)
	return e, nil
}

// under gives the request's entry that another process made with what all entries of the statement share in this one.
func (r *request) under(e *cachestore.Entry) *cachestore.Entry {
	content := e.Content()
	content.Statement = r.verdict.statement
	return cachestore.NewEntry(content)
}
