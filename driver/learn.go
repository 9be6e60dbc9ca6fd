package driver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/catalog"
)

// learn gives the catalog's answer on a text, from memory or, where the connection is free to ask, from the server. It
// gives nil when there is none to be had now; the error is that of dialling.
func (c *Conn) learn(ctx context.Context, t *text) (*answer, error) {
	if c.identity != nil {
		a := c.cache.answers.of(question{c.identity, t.names}, c.cache.schema.Load())
		if a != nil && !(a.unsettled && c.cache.looking.due(c.cache.schemaSettled())) {
			return c.newer(ctx, t, a), nil
		}
	}
	if c.reticent {
		return nil, nil
	}
	if !c.inner.idle() {
		// A question that fails would take the caller's transaction with it.
		c.watch.put(t)
		return nil, nil
	}
	return c.ask(ctx, t)
}

// newer gives a newer answer in place of an old one where the connection can ask for it now, else the old.
func (c *Conn) newer(ctx context.Context, t *text, a *answer) *answer {
	if !a.old(cachestore.Now()) {
		return a
	}
	if c.inner.std == nil || !c.inner.idle() {
		c.cache.askAgain(a)
		return a
	}
	newer, err := c.askServer(ctx, t)
	if err != nil {
		return c.cache.answers.of(a.question, a.schema)
	}
	return newer
}

// ask is learn on a connection outside a transaction. Of those who ask the same at the same time one asks for all.
func (c *Conn) ask(ctx context.Context, t *text) (*answer, error) {
	id, err := c.identify(ctx)
	if err != nil {
		return nil, err
	}
	a := c.cache.answers.of(question{id, t.names}, c.cache.schema.Load())
	switch {
	case a != nil && !a.unsettled:
		return a, nil
	case c.cache.storming():
		return nil, nil
	case a != nil && !c.cache.looking.begin(c.cache.schemaSettled()):
		return a, nil
	}
	key := fmt.Sprintf("%p %s", id, t.names)
	for range maxRounds {
		a, err = once(ctx, &c.cache.asking, key, func() (*answer, error) { return c.askServer(ctx, t) })
		if err != nil || a.schema == c.cache.schema.Load() {
			return a, err
		}
	}
	c.cache.storm.Store(time.Now().Add(stormLasts).UnixNano())
	return a, nil
}

func (c *Conn) askServer(ctx context.Context, t *text) (*answer, error) {
	std, err := c.inner.conn(ctx)
	if err != nil {
		return nil, err
	}
	// The connection may have been dialled just now, so its own identity counts from here on.
	id, err := c.identify(ctx)
	if err != nil {
		return nil, err
	}
	seen := c.cache.beginSight(id)
	defer seen.end()
	schema, began := c.cache.schema.Load(), cachestore.Now()
	found, err := catalog.Ask(ctx, std.Conn().PgConn(), t.Statement)
	if err != nil {
		if _, answered := errors.AsType[*pgconn.PgError](err); answered {
			c.cache.answers.drop(question{id, t.names}) // what was true before is not any more
		}
		return nil, c.unanswered(ctx, err)
	}
	before, since := c.cache.answers.latest(question{id, t.names}), cachestore.Now()
	if before != nil && before.Version == found.Version && before.schema == schema {
		since = before.since
	}
	if before != nil && before.Version != found.Version && before.schema == schema {
		// Somebody else has changed the schema: what was planned before must not be kept either.
		c.cache.schemaChanges()
		c.cache.observers.stale(SourceSchema, false)
		schema++
	}
	a := &answer{Answer: found, question: question{id, t.names}, text: t, schema: schema, at: began, since: since}
	if err := c.cache.askTracking(ctx, std.Conn().PgConn(), a); err != nil {
		return nil, c.unanswered(ctx, err)
	}
	a.unsettled = !seen.seesSchema(found.Snapshot)
	if before != nil {
		a.doubted.Store(before.doubted.Load())
	}
	if !c.cache.answers.put(a) {
		c.cache.schemaChanges() // nothing is left that could tell that plans are of another schema
	}
	return a, nil
}
