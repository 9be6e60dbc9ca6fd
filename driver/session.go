package driver

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// session is what is known of one session: whose it is, and the values of the settings that statements depend on.
type session struct {
	*identity
	settings settings
	// pooled is set behind a pooler that may give each transaction another server process.
	pooled bool
	at     cachestore.Instant // when it was read, of a base
}

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
		c.planned = planned{s.identity, c.schemaOfPlans, c.foreignPlans}
	}
	if c.typical(std.Conn()) {
		c.cache.setBase(s, c.schemaAtDial)
	}
	return s.identity, nil
}

// typical tells whether a session is what any other is that is dialled now. That a change of the schema had been told of which it may not
// have seen is not in the way: what names stand for is asked in the session that needs it, and is in its keys.
func (c *Conn) typical(conn *pgx.Conn) bool {
	return !c.changed && !c.cache.perSession && c.cache.fresh == nil && !ownHooks(&conn.Config().Config) &&
		c.schemaAtDial == c.cache.schema.Load()
}

// readSession asks the server what a session is.
func (c *cache) readSession(ctx context.Context, conn *pgx.Conn) (*session, error) {
	names := c.needed.list()
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

// meet reads the session's state, if it is not known, while that can still be done: inside a transaction it can't, and
// without it a write there counts as one to everything. The error is that of dialling.
func (c *Conn) meet(ctx context.Context) error {
	if _, err := c.inner.conn(ctx); err != nil || c.identity != nil || c.reticent || !c.inner.idle() {
		return err
	}
	if _, err := c.identify(ctx); err != nil && (c.inner.lost() || ctx.Err() != nil) {
		return err
	}
	return nil
}
