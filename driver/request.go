package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/driver/internal/argument"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// request is one query that may be answered from the cache.
type request struct {
	text    *text
	args    []driver.NamedValue
	stmt    *Stmt // when it is run through a prepared statement
	rounds  int   // how often it turned out that it was judged by what is not true any more
	wishes  wishes
	verdict *verdict
	// settings are the values in the session of the settings that the verdict depends on.
	settings settings
	// byMark is set when the shared store's ledger judges: mark is the state of the tags there when the request was made, and
	// quiet tells that no write to them was under way. blind is set when that could not be found out.
	byMark, quiet, blind bool
	mark                 uint64
	// confirmed is set when the feed has delivered all that was visible when the request was made, and asked when it was asked
	// to.
	confirmed, asked bool
	// told is the last commit that the feed had told of when the request first met a fill to share, and disappointed is set when a
	// result turned out to lack something that had been told by then.
	told         uint64
	disappointed bool
	// dependsOn is what the result depends on, once somebody has asked: see tags.
	dependsOn []freshness.Tag

	// key is what the entry is kept under in this process.
	key       cachestore.Key
	arguments material
	began     cachestore.Instant

	// result is how the request was answered, and saved what that saved PostgreSQL, for observers.
	result Result
	saved  time.Duration
}

// tags are what the result depends on.
func (r *request) tags() []freshness.Tag {
	if len(r.verdict.narrowed) == 0 {
		return r.verdict.tags
	}
	if r.dependsOn == nil {
		args, _, _ := argument.Plain(r.args)
		r.dependsOn = r.verdict.appendTags(nil, args)
	}
	return r.dependsOn
}

// reads are what the result is judged by against a feed.
func (r *request) reads() freshness.Reads {
	v := r.verdict
	return freshness.Reads{Tables: v.tags, Tags: r.tags(), Since: v.since, After: v.answer.after}
}

// ttl is the longest age that may be served.
func (r *request) ttl() time.Duration {
	ttl := r.verdict.rule.TTL
	if r.wishes.ttl > 0 {
		ttl = min(ttl, r.wishes.ttl)
	}
	return ttl
}

// query answers a query from the cache if it may, and passes it on to PostgreSQL if not.
func (c *Conn) query(ctx context.Context, t *text, args []driver.NamedValue, stmt *Stmt) (driver.Rows, error) {
	if t.command != nil {
		return c.run(ctx, t.command, args)
	}
	r := request{text: t, args: args, stmt: stmt}
	if !c.cache.observers.wantLookups() {
		return c.respond(ctx, &r)
	}
	began := time.Now()
	rows, err := c.respond(ctx, &r)
	c.cache.observers.lookedUp(ctx, &r, time.Since(began), err)
	return rows, err
}

// respond answers a request that has nothing but its text, its arguments and its statement yet.
func (c *Conn) respond(ctx context.Context, r *request) (driver.Rows, error) {
	r.wishes = wishesOf(ctx)
	if c.cache.learner != nil {
		return c.observe(ctx, r)
	}
	may, err := c.admissible(ctx, r)
	if err != nil {
		return nil, err
	}
	if may && r.makeKey(c) {
		rows, err := c.lookUp(ctx, r)
		if !errors.Is(err, errJudgeAgain) {
			return rows, err
		}
		again := request{text: r.text, args: r.args, stmt: r.stmt, rounds: r.rounds + 1}
		if *r = again; r.rounds < maxRounds {
			return c.respond(ctx, r) // the session is known now
		}
		r.wishes = wishesOf(ctx)
	}
	return c.bypass(ctx, r)
}

// admissible tells whether the request may be answered from the cache, and sets its verdict. The error is that of dialling.
func (c *Conn) admissible(ctx context.Context, r *request) (bool, error) {
	t := r.text
	if !t.Cacheable() || t.Hint.Off || r.wishes.bypass {
		return false, nil
	}
	c.comeBack()
	if !c.inner.idle() || c.inner.dead || c.reticent || c.cache.escaped.Load() > 0 {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	r.wishes.take(t)
	id, err := c.identify(ctx)
	if err != nil {
		return false, err
	}
	r.verdict = t.verdict.Load()
	r.began = cachestore.Now()
	if !r.verdict.holds(c.cache, id, r.wishes.rule, r.began) {
		if err := c.prove(ctx, r, id); err != nil {
			return false, err
		}
	}
	if r.verdict.rule != nil && r.verdict.follower == nil && c.cache.learner == nil {
		if err := c.cache.cannot(r.verdict.rule); err != nil {
			return false, err
		}
	}
	if r.verdict.refusal != "" || c.pooled && c.changed || c.outdated(r) {
		// Behind a pooler a session that was changed is anybody's.
		return false, nil
	}
	if r.verdict.settings != nil {
		r.settings, err = c.settingsOf(ctx, r.verdict)
		return r.settings != nil, err
	}
	return true, nil
}

// take adds what the text's hints ask for. What the context says comes first.
func (w *wishes) take(t *text) {
	if w.rule == "" {
		w.rule = t.Hint.Rule
	}
	if w.key == "" {
		w.key = t.Hint.Key
	}
	if t.Hint.TTL > 0 && (w.ttl == 0 || t.Hint.TTL < w.ttl) {
		w.ttl = t.Hint.TTL
	}
	w.refresh = w.refresh || t.Hint.Refresh
}

// prove finds the verdict on a text that has none that holds. Where the catalog can't be asked an old verdict counts on.
func (c *Conn) prove(ctx context.Context, r *request, id *identity) error {
	a, err := c.learn(ctx, r.text)
	if err != nil {
		if v := r.verdict; v.outlasts(c.cache, id, r.wishes.rule) && unreachable(err) {
			return nil
		}
		if c.inner.std == nil || c.inner.lost() || ctx.Err() != nil {
			return err
		}
	}
	if c.identity != nil {
		id = c.identity // asking may have dialled
	}
	r.verdict = c.cache.judge(r.text, id, a, r.wishes.rule)
	if a != nil {
		r.text.verdict.Store(r.verdict)
	}
	return nil
}

// pass sends a query down the chain.
func (c *Conn) pass(ctx context.Context, t *text, args []driver.NamedValue, stmt *Stmt) (driver.Rows, error) {
	var err error
	if stmt == nil {
		_, err = c.chain.QueryContext(ctx, t.sql, args)
	} else if err = stmt.ready(ctx); err == nil {
		_, err = stmt.chain.QueryContext(ctx, args)
	}
	if err != nil {
		return nil, err
	}
	rows := c.watch.rows
	c.watch.rows = nil
	return rows, nil
}
