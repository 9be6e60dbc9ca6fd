package driver

import (
	"context"
	"database/sql/driver"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// lookUp answers a request that may be cached: from the store, from a fill that somebody else has under way, or from
// PostgreSQL.
func (c *Conn) lookUp(ctx context.Context, r *request) (driver.Rows, error) {
	stats := &c.cache.stats
	var entry, past *cachestore.Entry
	if !r.wishes.refresh {
		entry, past = c.cache.find(ctx, r)
	}
	if r.verdict.strict && (entry != nil || c.cache.flights.busy(r.key)) {
		r.confirmed = r.verdict.track.confirm(ctx)
		if entry != nil && !(r.confirmed && c.cache.unchanged(r, entry)) {
			entry = nil
		}
	}
	if entry != nil {
		age := r.began.Sub(entry.ReadAt)
		if age < r.ttl() {
			if r.verdict.rule.Early && r.refreshable(c) && early(age, r.ttl(), entry.Cost) {
				c.cache.refresh(r)
			}
			return c.hit(r, entry), nil
		}
		if age < r.ttl()+r.verdict.rule.Stale && r.refreshable(c) {
			c.cache.refresh(r)
			stats.staleServed.Add(1)
			return c.hit(r, entry), nil
		}
	}
	if r.wishes.only {
		return nil, ErrNotCached
	}
	if entry != nil {
		past = entry
	}
	return c.miss(ctx, r, past)
}

// hit gives the rows of an entry from the store.
func (c *Conn) hit(r *request, e *cachestore.Entry) driver.Rows {
	c.cache.stats.hits.Add(1)
	c.cache.stats.saved.Add(int64(e.Cost))
	r.text.tally.hits.Add(1)
	r.text.tally.saved.Add(int64(e.Cost))
	return c.replay(e)
}

func (c *Conn) replay(e *cachestore.Entry) driver.Rows {
	rows := e.Rows.Rows()
	if conn := c.inner.dialled(); conn != nil {
		rows.UseTypeMap(conn.TypeMap()) // it may know types of the caller's
	}
	return rows
}

// find looks in the store. It gives an entry that was made for the request and none of whose tables changed since, of
// whatever age. While the feed is lost there is none; past is what there was then.
func (c *cache) find(ctx context.Context, r *request) (entry, past *cachestore.Entry) {
	entry, err := c.store.Get(ctx, r.key)
	switch {
	case err != nil:
		c.stats.storeErrors.Add(1)
		return nil, nil
	case entry == nil:
		return nil, nil
	case !r.is(entry):
		c.stats.corruptEntries.Add(1)
		return nil, nil
	case !slices.Equal(entry.Tags, r.tags):
		return nil, nil // what the names stand for changed
	case c.unchanged(r, entry):
		return entry, nil
	case r.verdict.track != nil && r.verdict.rule.StaleIfError > 0 && r.verdict.track.tracker.WasFresh(entry.Tags, entry.Position):
		return nil, entry
	default:
		return nil, nil // the tables changed
	}
}

// unchanged tells whether nothing that an entry depends on is known to have changed since it was read.
func (c *cache) unchanged(r *request, e *cachestore.Entry) bool {
	if tr := r.verdict.track; tr != nil {
		return tr.tracker.Fresh(e.Tags, e.Position)
	}
	return c.ledger.Fresh(e.Tags, e.Position)
}

// early tells, at random, whether to refresh an entry before its time: the more likely the nearer its end and the dearer
// its fill, so that of many readers one goes ahead (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal Probabilistic
// Cache Stampede Prevention", VLDB 2015, with beta = 1).
func early(age, ttl, cost time.Duration) bool {
	ahead := float64(cost) * -math.Log(1-rand.Float64())
	return float64(age)+ahead >= float64(ttl)
}

// miss answers a request that the store has nothing fresh for. past is what it has that is only too old.
func (c *Conn) miss(ctx context.Context, r *request, past *cachestore.Entry) (driver.Rows, error) {
	for {
		f, first := c.cache.flights.join(r, &c.cache.ledger)
		if first && !r.verdict.current(c.cache) {
			// The schema changed since the verdict, and the flight's position is after that.
			f.land(tryAgain, nil, nil)
			return nil, errOtherSession
		}
		if first {
			rows, err := c.lead(ctx, r, f)
			return c.rescue(r, past, rows, err)
		}
		entry, outcome, err := f.wait(ctx, r.verdict.rule.Lock)
		switch outcome {
		case served:
			c.cache.stats.coalesced.Add(1)
			r.text.tally.coalesced.Add(1)
			return c.replay(entry), nil
		case refused:
			return c.rescue(r, past, nil, err)
		case goAlone:
			c.cache.stats.misses.Add(1)
			r.text.tally.misses.Add(1)
			return c.pass(ctx, r.text, r.args, r.stmt)
		case tryAgain:
		}
	}
}

// rescue serves an entry that is too old when PostgreSQL can't be asked and the rule allows it.
func (c *Conn) rescue(r *request, past *cachestore.Entry, rows driver.Rows, err error) (driver.Rows, error) {
	if err == nil || past == nil || !unreachable(err) || r.began.Sub(past.ReadAt) >= r.ttl()+r.verdict.rule.StaleIfError {
		return rows, err
	}
	c.cache.stats.staleServed.Add(1)
	return c.hit(r, past), nil
}
