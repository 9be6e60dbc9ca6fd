package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// identify says whose session this is, asking the server when it is not known. A connection that was never dialled has no
// state of its own: it is what the latest one was that had just been dialled.
//
// The error is that of dialling. The connection must be outside a transaction.
func (c *Conn) identify(ctx context.Context) (*identity, error) {
	if c.identity != nil {
		return c.identity, nil
	}
	if c.inner.std != nil || c.cache.perSession {
		return c.introduce(ctx)
	}
	if base := c.cache.presentBase(); base != nil {
		return base.identity, nil
	}
	// Of all the connections that begin at the same time one has to dial to find out; the others wait for it.
	_, err := once(ctx, &c.cache.asking, "base", func() (*identity, error) {
		if base := c.cache.presentBase(); base != nil {
			return base.identity, nil
		}
		if c.cache.fresh != nil {
			return c.cache.learnBase(ctx)
		}
		return c.introduce(ctx)
	})
	if err != nil {
		return nil, err
	}
	if base := c.cache.base.Load(); base != nil && c.identity == nil {
		return base.identity, nil
	}
	return c.introduce(ctx) // sessions may differ, so nobody can speak for another
}

// introduce reads the identity of the connection's own session, dialling it if need be.
func (c *Conn) introduce(ctx context.Context) (*identity, error) {
	if c.identity != nil {
		return c.identity, nil
	}
	std, err := c.inner.conn(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.cache.readSession(ctx, std.Conn())
	if err != nil {
		return nil, c.unanswered(ctx, err)
	}
	c.identity, c.settings, c.pooled = s.identity, s.settings, s.pooled
	if c.planned.identity == nil && !c.changed && c.cache.fresh == nil {
		c.planned = planned{s.identity, c.era, c.states}
	}
	if c.typical(std.Conn()) {
		c.cache.setBase(s, c.born)
	}
	return s.identity, nil
}

// typical tells whether a session is what any other is that is dialled now. That a change of the schema had been told of which it may not
// have seen is not in the way: what names stand for is asked in the session that needs it, and is in its keys.
func (c *Conn) typical(conn *pgx.Conn) bool {
	return !c.changed && !c.cache.perSession && c.cache.fresh == nil && !ownHooks(&conn.Config().Config) &&
		c.born == c.cache.schema.Load()
}

// presentBase gives what a session is that is dialled now, or nil when it is to be found out. Where others than we dial it is found out
// again from time to time, in the background: defaults may have changed elsewhere, and what we dial ourselves tells of that by the way.
func (c *cache) presentBase() *session {
	base := c.base.Load()
	if base == nil || c.fresh == nil || cachestore.Now().Sub(base.at) < answerAge || !c.rebasing.CompareAndSwap(false, true) {
		return base
	}
	started := c.goBackground(func(ctx context.Context) {
		defer c.rebasing.Store(false)
		if _, err := c.learnBase(ctx); err != nil {
			pause(ctx)
		}
	})
	if !started {
		c.rebasing.Store(false)
	}
	return base
}

// setBase says what a session is that was dialled after this count of schema changes, unless there were more.
func (c *cache) setBase(s *session, born uint64) {
	s.at = cachestore.Now()
	c.base.Store(s)
	if c.schema.Load() != born {
		c.base.CompareAndSwap(s, nil)
	}
}

// learnBase finds out what a session is that was just dialled, where the connections that we get may have been used by
// others before: from a pool's own configuration, once.
func (c *cache) learnBase(ctx context.Context) (*identity, error) {
	born := c.schema.Load()
	conn, err := c.fresh.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	s, err := c.readSession(ctx, conn.(*stdlib.Conn).Conn())
	if err != nil {
		return nil, err
	}
	c.setBase(s, born)
	return s.identity, nil
}

// readSession asks the server what a session is.
func (c *cache) readSession(ctx context.Context, conn *pgx.Conn) (*session, error) {
	names := c.watched.list()
	found, err := catalog.AskSession(ctx, conn.PgConn(), names)
	if err != nil {
		return nil, err
	}
	if err := replayable(conn.TypeMap()); err != nil {
		found.Refusal = err.Error()
	}
	s := &session{identity: c.identities.of(found, conn.Config()), pooled: found.Pooled, settings: make(settings, len(names))}
	for _, name := range names {
		if value, exists := found.Settings[name]; exists {
			s.settings[name] = &value
		} else {
			s.settings[name] = nil
		}
	}
	return s, nil
}

// unanswered is the error of a question that the server did not answer. If the connection broke over it nothing of the
// caller's was sent, so database/sql may try another.
func (c *Conn) unanswered(ctx context.Context, err error) error {
	if c.inner.lost() && ctx.Err() == nil {
		return driver.ErrBadConn
	}
	return err
}

// replayable tells whether a session decodes values as pgx does without the caller's help, so that a replay can promise to
// give the same.
func replayable(m *pgtype.Map) error {
	var fields []pgconn.FieldDescription
	for _, oid := range []uint32{
		pgtype.BoolOID, pgtype.ByteaOID, pgtype.CIDOID, pgtype.DateOID, pgtype.Float4OID, pgtype.Float8OID, pgtype.Int2OID,
		pgtype.Int4OID, pgtype.Int8OID, pgtype.JSONOID, pgtype.JSONBOID, pgtype.OIDOID, pgtype.TimestampOID,
		pgtype.TimestamptzOID, pgtype.XIDOID, pgtype.XMLOID,
	} {
		fields = append(fields, pgconn.FieldDescription{DataTypeOID: oid})
	}
	_, err := rowset.Columns(fields, m)
	return err
}

// learn gives the catalog's answer on a text, from memory or, where the connection is free to ask, from the server. It
// gives nil when there is none to be had now; the error is that of dialling.
func (c *Conn) learn(ctx context.Context, t *text) (*answer, error) {
	if c.identity != nil {
		a := c.cache.answers.of(question{c.identity, t.names}, c.cache.schema.Load())
		if a != nil && !(a.unsettled && c.cache.looking.due(c.cache.schemaSettled())) {
			return c.renew(ctx, t, a), nil
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

// renew gives a newer answer in place of an old one where the connection can ask for it now, else the old.
func (c *Conn) renew(ctx context.Context, t *text, a *answer) *answer {
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
	sight := c.cache.beginSight(id)
	defer sight.end()
	schema, began := c.cache.schema.Load(), cachestore.Now()
	found, err := catalog.Ask(ctx, std.Conn().PgConn(), t.Statement)
	if err != nil {
		if _, answered := errors.AsType[*pgconn.PgError](err); answered {
			c.cache.answers.drop(question{id, t.names}) // what was true before is not any more
		}
		return nil, c.unanswered(ctx, err)
	}
	before := c.cache.answers.latest(question{id, t.names})
	if before != nil && before.Version != found.Version && before.schema == schema {
		// Somebody else has changed the schema: what was planned before must not be kept either.
		c.cache.schemaChanges()
		c.cache.observers.stale(SourceSchema, false)
		schema++
	}
	a := &answer{Answer: found, question: question{id, t.names}, text: t, schema: schema, at: began}
	if err := c.cache.askTracking(ctx, std.Conn().PgConn(), a); err != nil {
		return nil, c.unanswered(ctx, err)
	}
	a.unsettled = !sight.settled(found.Snapshot)
	if before != nil {
		a.doubted.Store(before.doubted.Load())
	}
	c.cache.answers.put(a)
	return a, nil
}

// unresolvedMost bounds what is asked for after one transaction.
const unresolvedMost = 16

// put notes a text to be asked for later.
func (w *watch) put(t *text) {
	if len(w.unresolved) < unresolvedMost {
		w.unresolved = append(w.unresolved, t)
	}
}

// effect says what a statement may change. Where that can't be known it is everything.
func (c *Conn) effect(ctx context.Context, query string, args []driver.NamedValue) (effect, error) {
	t := c.text(query)
	if t.command != nil {
		return effect{}, nil
	}
	e := effect{
		all: t.WritesAnything, schema: t.ChangesSchema, session: t.ChangesSession,
		ends: t.EndsTransaction, temporary: t.ChangesSession && strings.Contains(strings.ToLower(t.sql), "pg_temp"),
	}
	e.settings, e.assigned = t.assigned(args)
	if c.misread(t) {
		return effect{all: true, schema: true, session: true, ends: true}, nil
	}
	if e.all || !t.namesAnything() {
		return e, nil
	}
	a, err := c.learn(ctx, t)
	if _, answered := errors.AsType[*pgconn.PgError](err); err != nil && !answered {
		// The connection could not be had: the statement would not get far either.
		return effect{}, err
	}
	if a == nil {
		e.all, e.session = true, true
		return e, nil
	}
	e.changes, e.all = t.changes(a, args)
	e.doubtful = a.opaque() && !c.cache.schemaTold() && a.doubts(cachestore.Now())
	e.session = e.session || a.opaque() || a.MayChangeSession() && !e.settings
	e.all = e.all || a.schema != c.cache.schema.Load()
	// Of several statements, one that changes the session changes what the next one's names stand for.
	e.all = e.all || t.Several && e.session
	return e, nil
}

// misread tells whether the server reads the text otherwise than we do: strings in which a backslash escapes may end
// elsewhere.
func (c *Conn) misread(t *text) bool {
	conn := c.inner.dialled()
	return conn != nil && conn.PgConn().ParameterStatus("standard_conforming_strings") != "on" && strings.Contains(t.sql, `\`)
}

// namesAnything tells whether the catalog has anything to say about what the text may change. Operators that everybody
// uses come with the types that could make them call something else.
func (t *text) namesAnything() bool {
	n := &t.Names
	return len(n.Relations)+len(n.Functions)+len(n.Columns)+len(n.Fields)+len(n.Types)+len(t.Writes) > 0 || n.OwnOperators()
}

// meet reads the session's state, if it is not known, while that can still be done: inside a transaction it can't, and
// without it a write there counts as one to everything. The error is that of dialling.
func (c *Conn) meet(ctx context.Context) error {
	if _, err := c.inner.free(ctx); err != nil || c.identity != nil || c.reticent || !c.inner.idle() {
		return err
	}
	if _, err := c.identify(ctx); err != nil && (c.inner.lost() || ctx.Err() != nil) {
		return err
	}
	return nil
}
