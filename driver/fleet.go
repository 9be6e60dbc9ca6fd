package driver

import (
	"context"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// What is not in this process's memory may be with others: in a store that a fleet shares, or with the peer that owns the key.
// Neither is there in most programs.

// alone tells whether there is nobody to look with.
func (c *cache) alone() bool { return c.shared == nil && c.peers == nil }

// seek looks with the fleet for the entry of a request. It gives the entry, if there is one that may be served; past is one that
// is only too old for that. Otherwise this process makes it, for the fleet if it has got the permit.
func (c *cache) seek(ctx context.Context, r *request) (entry, past *cachestore.Entry, p *permit) {
	switch {
	case c.shared != nil:
		return c.shared.seek(ctx, r)
	case c.peers != nil:
		entry, past = c.peers.fetch(ctx, r)
		return entry, past, nil
	default:
		return nil, nil, nil
	}
}

// claim is seek for a fill in the background: it waits for nobody. busy is set when somebody else makes the entry. What another
// process has made lately will do, although this process wants another one than it has.
func (c *cache) claim(ctx context.Context, r *request) (entry *cachestore.Entry, p *permit, busy bool) {
	look := *r
	look.wishes.refresh = false
	switch {
	case c.shared != nil:
		return c.shared.claim(ctx, &look)
	case c.peers != nil:
		if entry, _ = c.peers.fetch(ctx, &look); entry != nil && entry.Age(cachestore.Now()) >= r.ttl() {
			entry = nil
		}
		return entry, nil, false
	default:
		return nil, nil, false
	}
}

// peek looks for an entry for somebody who doesn't want it to be made.
func (c *cache) peek(ctx context.Context, r *request) *cachestore.Entry {
	if c.shared == nil {
		return nil // a peer can't be asked without making it
	}
	return c.shared.peek(ctx, r)
}

// latest is a position after all others.
const latest = 1<<63 - 2

// settled tells whether the feed has delivered what this process wrote itself. Until it has, nothing that was kept is fresh, and
// nothing that is made now can be kept in time.
func (tr *track) settled(tags []freshness.Tag) bool {
	return tr.common && tr.tracker.Fresh(tags, latest)
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
