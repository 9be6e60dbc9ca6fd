package driver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gopgcache/pgcache/driver/internal/ahead"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// resultFormats are the formats in which pgx's stdlib asks for results: binary for the types that have a Go value of their
// own, text for the rest. A recorded result must be in the same ones to replay the same values.
var resultFormats = pgx.QueryResultFormatsByOID{
	pgtype.BoolOID: 1, pgtype.ByteaOID: 1, pgtype.CIDOID: 1, pgtype.DateOID: 1, pgtype.Float4OID: 1, pgtype.Float8OID: 1,
	pgtype.Int2OID: 1, pgtype.Int4OID: 1, pgtype.Int8OID: 1, pgtype.OIDOID: 1, pgtype.TimestampOID: 1,
	pgtype.TimestamptzOID: 1, pgtype.XIDOID: 1,
}

// query sends the query. It is the end of the chain for a fill, and does what stdlib's QueryContext does.
func (f *fill) query(query string, named []driver.NamedValue) (driver.Rows, error) {
	conn := f.std.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	args := make([]any, 1+len(named))
	args[0] = resultFormats
	for i, n := range named {
		args[i+1] = n.Value
	}
	var ctx context.Context = &f.ctx
	if f.ctx.ended == nil {
		ctx = f.ctx.Context // pgx need not watch a context that can't end
	}
	if f.anew {
		args = withReplan(args)
	}
	rows, err := f.send(ctx, conn, query, args)
	if err != nil {
		if pgconn.SafeToRetry(err) || errors.Is(err, ahead.ErrNotSent) {
			return nil, driver.ErrBadConn
		}
		return nil, err
	}
	f.rows = rows
	if !f.request.saysTheSame() {
		f.discard() // it is the answer to something else than its key says
		f.flight.land(goAlone, nil, nil)
	}
	f.sent.Store(true) // the arguments are the caller's again
	return unread{}, nil
}

// send sends the query, with the question about the snapshot ahead of it where the answer will be judged by that.
func (f *fill) send(ctx context.Context, conn *pgx.Conn, query string, args []any) (ahead.Rows, error) {
	if f.admission == nil {
		return conn.Query(ctx, query, args...)
	}
	q := ahead.Query{SQL: query, Args: args[1:], Formats: resultFormats, Tracer: f.inner.tracer}
	if f.together() {
		return f.ahead.Ask(ctx, conn, &q, f)
	}
	return ahead.AskApart(ctx, conn, &q, f)
}

// together tells whether the question and the query can be sent in one round trip: pgx's usual way of running a query, and
// nothing that asks for another.
func (f *fill) together() bool {
	if f.request.stmt != nil || f.callerPrepared || f.anew || f.inner.mode != pgx.QueryExecModeCacheStatement {
		return false
	}
	if len(f.request.args) == 0 {
		return true
	}
	_, special := f.request.args[0].Value.(pgx.QueryExecMode)
	return !special
}

// Sees implements ahead.Asker.
func (f *fill) Sees(snapshot freshness.Snapshot, lsn uint64) {
	f.admission.Read(snapshot, f.request.verdict.follower.feed.Position(lsn))
}

// unread stands for rows that are read elsewhere. sqlmw wraps it and nobody looks at it.
type unread struct{ driver.Rows }
