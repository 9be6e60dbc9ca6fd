package driver

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

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
			c.countMiss(r)
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

// rescue serves an entry that is too old when PostgreSQL can't be asked and the rule allows it.
func (c *Conn) rescue(r *request, past *cachestore.Entry, rows driver.Rows, err error) (driver.Rows, error) {
	if err != nil && past != nil && unreachable(err) && past.Age(r.began) < r.ttl()+r.verdict.rule.StaleIfError {
		return c.hit(r, past, ResultStale), nil
	}
	if r.result == ResultMiss {
		c.countMiss(r)
	}
	return rows, err
}

// countMiss counts a request that PostgreSQL was asked to answer.
func (c *Conn) countMiss(r *request) {
	r.result = ResultMiss
	c.cache.stats.misses.Add(1)
	r.text.tally.misses.Add(1)
}
