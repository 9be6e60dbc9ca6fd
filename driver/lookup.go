package driver

import (
	"context"
	"database/sql/driver"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// lookUp answers a request that may be cached: from the store, from a fill that somebody else has under way, or from
// PostgreSQL.
func (c *Conn) lookUp(ctx context.Context, r *request) (driver.Rows, error) {
	r.byMark = c.cache.shared != nil && r.verdict.follower == nil
	entry, past := c.cache.find(ctx, r)
	if r.blind {
		return c.bypass(ctx, r)
	}
	if r.verdict.strict && (entry != nil || c.cache.flights.busy(r.key)) {
		if confirmed := r.confirm(ctx); entry != nil && !(confirmed && c.cache.unchanged(r, entry)) {
			entry = nil
		}
	}
	if entry == nil && r.wishes.only && !r.byMark {
		entry = c.cache.peek(ctx, r)
	}
	if entry != nil && c.servable(r, entry) {
		return c.serve(r, entry), nil
	}
	if r.wishes.only {
		return nil, ErrNotCached
	}
	if entry != nil {
		past = entry
	}
	return c.miss(ctx, r, past)
}

// servable tells whether an entry that is unchanged is young enough to be served.
func (c *Conn) servable(r *request, e *cachestore.Entry) bool {
	age := e.Age(r.began)
	return age < r.ttl() || age < r.ttl()+r.verdict.rule.Stale && r.refreshable(c)
}

// serve gives the rows of an entry that is servable, and sees to it that there will be a younger one.
func (c *Conn) serve(r *request, e *cachestore.Entry) driver.Rows {
	result := ResultHit
	switch age := e.Age(r.began); {
	case age >= r.ttl():
		result = ResultStale
		c.cache.refresh(r)
	case r.verdict.rule.Early && r.refreshable(c) && early(age, r.ttl(), e.Cost()):
		c.cache.refresh(r)
	}
	return c.hit(r, e, result)
}

// hit gives the rows of an entry from the store.
func (c *Conn) hit(r *request, e *cachestore.Entry, result Result) driver.Rows {
	r.result, r.saved = result, e.Cost()
	c.cache.stats.hits.add(c.lane, e.Cost())
	r.text.tally.hit(c.lane, e.Cost())
	if result == ResultStale {
		c.cache.stats.staleServed.Add(1)
	}
	return c.replay(e)
}

func (c *Conn) replay(e *cachestore.Entry) driver.Rows {
	rows := e.Rows().Rows()
	if conn := c.inner.dialled(); conn != nil {
		rows.UseTypeMap(conn.TypeMap()) // it may know types of the caller's
	}
	return rows
}

// find looks in this process's memory. It gives an entry that was made for the request and none of whose tables changed since,
// of whatever age. While the feed is lost there is none; past is what there was then.
//
// Where the shared store judges it has to be asked for each hit, so it is asked for what memory doesn't have in the same
// round trip.
func (c *cache) find(ctx context.Context, r *request) (entry, past *cachestore.Entry) {
	e, err := c.near(ctx, r)
	if r.byMark {
		far, err := c.shared.look(ctx, r, e == nil && !r.wishes.refresh)
		if r.blind = err != nil; r.blind {
			return nil, nil
		}
		if far != nil {
			return c.weighForeign(ctx, r, far)
		}
	}
	if err != nil {
		c.stats.storeErrors.Add(1)
	}
	if e == nil {
		return nil, nil
	}
	return c.weigh(r, e)
}

// near gives what this process's memory has under the request's key.
func (c *cache) near(ctx context.Context, r *request) (*cachestore.Entry, error) {
	if r.wishes.refresh {
		return nil, nil
	}
	if c.memory != nil {
		return c.memory.At(&r.key, r.began), nil
	}
	return c.store.Get(ctx, r.key)
}

// putNear puts an entry into this process's memory. The context should not end: there is nothing to wait for. A store of the
// caller's own may panic: those who wait for the entry would wait on if that came further.
func (c *cache) putNear(ctx context.Context, key cachestore.Key, e *cachestore.Entry) {
	defer func() {
		if p := recover(); p != nil {
			c.stats.storeErrors.Add(1)
			c.warn(ctx, "pgcache: the store panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if err := c.store.Put(ctx, key, e); err != nil {
		c.stats.storeErrors.Add(1)
	}
}

// early tells, at random, whether to refresh an entry before its time: the more likely the nearer its end and the dearer
// its fill, so that of many readers one goes ahead (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic
// Cache Stampede Prevention", VLDB 2015, with beta = 1).
func early(age, ttl, cost time.Duration) bool {
	ahead := float64(cost) * -math.Log(1-rand.Float64())
	return float64(age)+ahead >= float64(ttl)
}

// bypass answers a request that turned out not to be for the cache.
func (c *Conn) bypass(ctx context.Context, r *request) (driver.Rows, error) {
	c.cache.stats.bypassed.Add(1)
	r.text.tally.bypassed.Add(1)
	if r.wishes.only {
		return nil, ErrNotCached
	}
	r.result = ResultBypass
	return c.pass(ctx, r.text, r.args, r.stmt)
}
