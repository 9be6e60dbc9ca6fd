package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/driver/internal/argument"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// effect is what a statement may change.
type effect struct {
	changes []freshness.Change
	all     bool
	schema  bool
	// judged is set when the catalog has had a say, and asOf is the count of schema changes that it takes in.
	judged bool
	asOf   uint64
	// doubtful is set when a function or a trigger runs of which nothing is known, and the schema counts as changed by it.
	doubtful bool
	session  bool
	// temporary is set when the session may look for names in its temporary schema afterwards.
	temporary bool
	ends      bool // it may end a transaction
	// settings is set when it gives settings of the user's own other values, which are those in assigned if the statement
	// succeeds and is a transaction of its own.
	settings bool
	assigned []assignment
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
	if c.misread(t) || argument.Rewrites(args) {
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
	e.judged, e.asOf = true, a.schema
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
