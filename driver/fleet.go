package driver

import (
	"context"

	"github.com/gopgcache/pgcache/cachestore"
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
