package driver

import (
	"context"
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/driver/internal/ahead"
	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// planned says when statements were prepared. PostgreSQL goes on with the plan of a prepared statement when a table appears
// earlier in the search_path, and does not look again whether a role may call the functions that went into it: such an answer
// is right for the session, and not for another. So what is kept is only ever read by a plan of the session's present state.
//
// Nor is a plan good that was made, or remade, while the session was another for a time, as by SET LOCAL: the time zone goes into
// constants, a role's rights into functions that are part of the plan. So once a statement has been run while nobody knew what the
// session was, or it was another, all plans count as another session's, though it is what it was again: see planElsewhere.
type planned struct {
	identity *identity
	schema   uint64 // the count of schema changes
	foreign  uint64 // Conn.foreignPlans
}

// planState is what statements have to be prepared under to be good now. The identity is known.
func (c *Conn) planState() planned { return planned{c.identity, c.cache.schema.Load(), c.foreignPlans} }

// planStateFromNow is what statements that are prepared after it are prepared under.
func (c *Conn) planStateFromNow() planned { return planned{c.identity, c.cache.era(), c.foreignPlans} }

// replan sees to it that a fill's query is planned for the session's present state. anew is set when pgx has to be told to
// plan it once more, which takes one round trip.
func (c *Conn) replan(ctx context.Context, conn *pgx.Conn, r *request) (anew bool, err error) {
	now := c.planState()
	early := c.planned == now && c.early.of(r.text.sql, r.verdict.answer.since)
	switch {
	case c.inner.mode != pgx.QueryExecModeCacheStatement && !asksForPlan(r.args):
		return false, nil
	case r.stmt != nil || c.planned == now && !early:
		return false, nil
	case !early && c.planned.schema == now.schema && c.planned.foreign == now.foreign && c.planned.identity != nil:
		return true, nil // it is another session for a time
	case len(c.prepared) > 0, c.holdsForeign, c.cache.fresh != nil:
		// What the caller has prepared has to stay; and what a pool's connection has prepared before it was ours is not known.
		return true, nil
	case c.replanned < fewFills && early:
		c.replanned++
		return true, nil
	case c.replanned < fewFills && c.planned.identity != nil && (c.planned.schema == now.schema || c.planned.schema == noEra):
		c.replanned++
		return true, nil // plans are lost again and again
	}
	if c.holdsForeign, err = holdsOthers(ctx, conn.PgConn()); err != nil {
		return false, c.unanswered(ctx, err)
	}
	if c.holdsForeign {
		return true, nil
	}
	now, c.replanned = c.planStateFromNow(), 0
	if err := conn.DeallocateAll(ctx); err != nil {
		return false, c.unanswered(ctx, err)
	}
	c.planned, c.early, c.inner.ahead = now, earlyPlans{}, ahead.Session{}
	return false, nil
}

// fewFills is how many queries have to be planned anew, at a round trip each, before all plans are given up once more: that takes a
// round trip itself, and one for each statement after it.
const fewFills = 8

// planElsewhere is called when a statement is sent that is not a fill's. If the session may be another than its plans are for, they are
// not good any more.
func (c *Conn) planElsewhere(t *text) {
	if !t.namesAnything() {
		return
	}
	c.planEarly(t)
	if c.identity == nil && c.changed || c.planned.identity != nil && c.identity != c.planned.identity {
		c.foreignPlans++
	}
}

// holdsOthers tells whether a session has prepared statements that are neither pgx's own nor ours: by SQL, in a hook, or on pgx's own
// connection, and under a name by which somebody will run them.
func holdsOthers(ctx context.Context, conn *pgconn.PgConn) (bool, error) {
	result := conn.ExecParams(ctx, "select name from pg_catalog.pg_prepared_statements", nil, nil, nil, nil).Read()
	return slices.ContainsFunc(result.Rows, func(row [][]byte) bool {
		name := string(row[0])
		return !strings.HasPrefix(name, "stmtcache_") && !strings.HasPrefix(name, "pgcache_")
	}), result.Err
}

// asksForPlan tells whether the caller asks for a prepared statement by an option.
func asksForPlan(args []driver.NamedValue) bool {
	_, mode, _ := argument.Plain(args)
	return mode == pgx.QueryExecModeCacheStatement
}

// outdated tells whether a query would be run by a statement that the caller has prepared under another state of the session
// or the schema.
func (c *Conn) outdated(r *request) bool {
	return r.stmt == nil && c.prepared[r.text.sql] > 0 &&
		(c.planned != c.planState() || c.early.of(r.text.sql, r.verdict.answer.since))
}

// withReplan puts the option to plan the query once more behind those that the caller gives.
func withReplan(args []any) []any {
	for i, arg := range args {
		switch arg.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormatsByOID:
		default:
			return append(append(args[:i:i], pgx.QueryExecModeDescribeExec), args[i:]...)
		}
	}
	return append(args, pgx.QueryExecModeDescribeExec)
}
