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
	r.byMark = c.cache.shared != nil && r.verdict.track == nil
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

// unchanged tells whether nothing that an entry depends on is known to have changed since it was read.
func (c *cache) unchanged(r *request, e *cachestore.Entry) bool {
	tr := r.verdict.track
	switch {
	case c.invalidated.since(e.ReadInstant(), r.verdict.tags):
		return false
	case tr != nil:
		return r.verdict.watched(e) && tr.tracker.Fresh(e.Tags(), e.Position())
	case r.byMark:
		return e.Position() == r.mark
	default:
		return c.ledger.Fresh(e.Tags(), e.Position())
	}
}

// wasUnchanged is unchanged as of the moment when the feed was lost.
func (c *cache) wasUnchanged(r *request, e *cachestore.Entry) bool {
	v := r.verdict
	return v.watched(e) && !c.invalidated.since(e.ReadInstant(), v.tags) && v.track.tracker.WasFresh(e.Tags(), e.Position())
}

// early tells, at random, whether to refresh an entry before its time: the more likely the nearer its end and the dearer
// its fill, so that of many readers one goes ahead (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic
// Cache Stampede Prevention", VLDB 2015, with beta = 1).
func early(age, ttl, cost time.Duration) bool {
	ahead := float64(cost) * -math.Log(1-rand.Float64())
	return float64(age)+ahead >= float64(ttl)
}

// miss answers a request that the store has nothing fresh for. past is what it has that is only too old.
//
// It waits for others no longer than lock= in all: who waited for one that gave up has less patience with the next.
func (c *Conn) miss(ctx context.Context, r *request, past *cachestore.Entry) (driver.Rows, error) {
	var waited time.Duration
	for {
		f, first := c.cache.flights.join(r, &c.cache.ledger)
		if first && !r.verdict.current(c.cache) {
			// The schema changed since the verdict, and the flight's position is after that.
			f.giveUp()
			return nil, errJudgeAgain
		}
		if first {
			return c.makeEntry(ctx, r, f, past)
		}
		began := cachestore.Now()
		entry, outcome, err := f.wait(ctx, r.verdict.rule.Lock-waited)
		waited += cachestore.Now().Sub(began)
		if outcome == served || outcome == refused && ctx.Err() == nil {
			outcome = c.share(r, f, entry, outcome)
		}
		switch outcome {
		case served:
			r.result = ResultCoalesced
			c.cache.stats.coalesced.Add(1)
			r.text.tally.coalesced.Add(1)
			return c.replay(entry), nil
		case refused:
			return c.rescue(r, past, nil, err)
		case goAlone:
			r.result = ResultMiss
			c.cache.stats.misses.Add(1)
			r.text.tally.misses.Add(1)
			return c.pass(ctx, r.text, r.args, r.stmt)
		case tryAgain:
		}
	}
}

// share tells what a flight's entry, or PostgreSQL's refusal, means for somebody who waited for it. It has to hold all that the feed
// had told of when they joined; who was disappointed twice goes alone. And an entry has to be young enough, which
// what PostgreSQL has just said is, unless the caller has asked for a shorter ttl than the rule's.
func (c *Conn) share(r *request, f *flight, e *cachestore.Entry, o outcome) outcome {
	switch {
	case f.holds < r.told && r.disappointed:
		return goAlone
	case f.holds < r.told:
		r.disappointed = true
		return tryAgain
	case o == refused:
		return refused
	case (f.brought || r.wishes.ttl > 0) && !c.servable(r, e):
		return tryAgain
	default:
		return served
	}
}

// makeEntry gets the entry for all who wait for it: from the fleet, or from PostgreSQL.
func (c *Conn) makeEntry(ctx context.Context, r *request, f *flight, past *cachestore.Entry) (driver.Rows, error) {
	if c.cache.alone() {
		rows, err := c.lead(ctx, r, f)
		return c.rescue(r, past, rows, err)
	}
	f.setOut(time.Now().Add(r.verdict.rule.Lock)) // the fleet is not waited for any longer
	entry, old, permit := c.cache.seek(ctx, r)
	f.setOut(time.Now())
	if entry != nil && c.servable(r, entry) {
		f.bring(entry)
		return c.serve(r, entry), nil
	}
	if entry != nil {
		old = entry
	}
	if past == nil {
		past = old
	}
	f.permit = permit
	rows, err := c.lead(ctx, r, f)
	return c.rescue(r, past, rows, err)
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

// rescue serves an entry that is too old when PostgreSQL can't be asked and the rule allows it.
func (c *Conn) rescue(r *request, past *cachestore.Entry, rows driver.Rows, err error) (driver.Rows, error) {
	if err == nil || past == nil || !unreachable(err) || past.Age(r.began) >= r.ttl()+r.verdict.rule.StaleIfError {
		return rows, err
	}
	return c.hit(r, past, ResultStale), nil
}
