package driver

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// A fill whose answer has to be judged against a feed asks the server first what it sees: a snapshot, and after it how far
// the log of changes has been written. The question goes ahead of the query in the same round trip, so that what it sees the
// query sees too.

// askSnapshot is the question. It gives one row, in binary.
const askSnapshot = "select pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_wal_insert_lsn()"

var snapshotFormats = []int16{pgx.BinaryFormatCode}

// ahead is what is prepared on a session for questions and the queries behind them.
type ahead struct {
	question   *pgconn.StatementDescription // nil until it is prepared
	statements map[string]*pgconn.StatementDescription
	outdated   []string // the names of those that the server has and that mean nothing any more
	names      int      // that were given
}

// maxAhead bounds the statements prepared on one session. What comes after them takes two round trips.
const maxAhead = 256

// describe gives the descriptions of the question and of a query, preparing them if need be, as pgx does for a query that it runs
// for the first time. It gives nil for a query when there are too many, or the server refuses: pgx will say what it says then.
func (a *ahead) describe(ctx context.Context, conn *pgx.Conn, query string) *pgconn.StatementDescription {
	if a.question == nil {
		a.question = a.prepare(ctx, conn, askSnapshot)
	}
	if a.question == nil {
		return nil
	}
	sd, known := a.statements[query]
	if known || len(a.statements) >= maxAhead {
		return sd
	}
	for _, name := range a.outdated {
		_ = conn.PgConn().Deallocate(ctx, name) // a connection that is no good any more is found out next
	}
	a.outdated = nil
	if sd = a.prepare(ctx, conn, query); sd == nil {
		return nil
	}
	if a.statements == nil {
		a.statements = make(map[string]*pgconn.StatementDescription)
	}
	a.statements[query] = sd
	return sd
}

// prepare prepares a statement under a name that no other has on the session. It gives nil when the server refuses.
func (a *ahead) prepare(ctx context.Context, conn *pgx.Conn, query string) *pgconn.StatementDescription {
	a.names++
	sd, err := conn.PgConn().Prepare(ctx, "pgcache_"+strconv.Itoa(a.names), query, nil)
	if err != nil {
		return nil
	}
	return sd
}

// together tells whether the question and the query can be sent in one round trip: pgx's usual way of running a query, and
// nothing that asks for another.
func (f *fill) together() bool {
	if f.request.stmt != nil || f.prepared || f.anew || f.inner.mode != pgx.QueryExecModeCacheStatement {
		return false
	}
	if len(f.request.args) == 0 {
		return true
	}
	_, special := f.request.args[0].Value.(pgx.QueryExecMode)
	return !special
}

// askAhead sends the question and the query.
func (f *fill) askAhead(ctx context.Context, conn *pgx.Conn, query string, args []any) (resultRows, error) {
	if f.together() {
		if sd := f.ahead.describe(ctx, conn, query); sd != nil && len(sd.ParamOIDs) == len(args) {
			var values pgx.ExtendedQueryBuilder
			if values.Build(conn.TypeMap(), sd, args) == nil {
				rows, err := f.askTogether(ctx, conn, sd, &values, args)
				if !lostStatement(err) {
					return rows, err
				}
			}
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case conn.IsClosed():
			return nil, errNotSent
		}
	}
	if err := f.askApart(ctx, conn.PgConn()); err != nil {
		return nil, err
	}
	return conn.Query(ctx, query, append([]any{resultFormats}, args...)...)
}

// errNotSent means that the connection broke before the query was sent.
var errNotSent = errors.New("pgcache: the connection was lost before the query was sent")

// askApart asks the question in a round trip of its own.
func (f *fill) askApart(ctx context.Context, conn *pgconn.PgConn) error {
	return f.readSnapshot(conn.ExecParams(ctx, askSnapshot, nil, nil, nil, snapshotFormats))
}

// askTogether sends the question and the query in one round trip, and reads the answer to the question.
func (f *fill) askTogether(
	ctx context.Context, conn *pgx.Conn, sd *pgconn.StatementDescription, values *pgx.ExtendedQueryBuilder, args []any,
) (resultRows, error) {
	formats := make([]int16, len(sd.Fields))
	for i, field := range sd.Fields {
		formats[i] = resultFormats[field.DataTypeOID]
	}
	rows := &rowsBehind{conn: conn, tracer: f.inner.tracer, ahead: f.ahead, query: f.request.text.sql}
	rows.begin(ctx, args)
	var batch pgconn.Batch
	batch.ExecStatement(f.ahead.question, nil, nil, snapshotFormats)
	batch.ExecStatement(sd, values.ParamValues, values.ParamFormats, formats)
	rows.results = conn.PgConn().ExecBatch(ctx, &batch)
	answer, err := rows.next()
	if err == nil {
		err = f.readSnapshot(answer)
	}
	if err == nil {
		rows.reader, err = rows.next()
	}
	if err != nil {
		return nil, rows.fail(err)
	}
	return rows, nil
}

// readSnapshot takes the answer to the question.
func (f *fill) readSnapshot(answer *pgconn.ResultReader) (err error) {
	defer func() {
		if _, closed := answer.Close(); closed != nil {
			err = closed // it says why there is no row
		}
	}()
	if !answer.NextRow() {
		return errNoSnapshot
	}
	row := answer.Values()
	snapshot, err := freshness.DecodeSnapshot(row[0])
	if err != nil {
		return err
	}
	if len(row[1]) != 8 {
		return fmt.Errorf("pgcache: a position of %d bytes", len(row[1]))
	}
	f.tracking.Read(snapshot, f.request.verdict.track.feed.Position(binary.BigEndian.Uint64(row[1])))
	return nil
}

// errNoSnapshot is for a server that gives no answer and no error.
var errNoSnapshot = errors.New("pgcache: the server did not say what the query would see")

// resultRows is what a fill reads: a part of pgx.Rows.
type resultRows interface {
	Next() bool
	RawValues() [][]byte
	FieldDescriptions() []pgconn.FieldDescription
	Err() error
	Close()
}

// rowsBehind are the rows of a query that was sent behind the question.
type rowsBehind struct {
	conn    *pgx.Conn
	tracer  pgx.QueryTracer // the caller's, or nil
	results *pgconn.MultiResultReader
	reader  *pgconn.ResultReader
	ahead   *ahead
	query   string
	tag     pgconn.CommandTag
	err     error
	closed  bool
	// end tells the caller's tracer that the query has ended; nil when there is none.
	end func(pgx.TraceQueryEndData)
}

// begin tells the caller's tracer of the query, as pgx does for those that it sends.
func (r *rowsBehind) begin(ctx context.Context, args []any) {
	if r.tracer != nil {
		traced := r.tracer.TraceQueryStart(ctx, r.conn, pgx.TraceQueryStartData{SQL: r.query, Args: args})
		r.end = func(data pgx.TraceQueryEndData) { r.tracer.TraceQueryEnd(traced, r.conn, data) }
	}
}

// ended tells the caller's tracer how the query ended.
func (r *rowsBehind) ended(err error) {
	if r.end != nil {
		r.end(pgx.TraceQueryEndData{CommandTag: r.tag, Err: err})
	}
}

// next gives the next result.
func (r *rowsBehind) next() (*pgconn.ResultReader, error) {
	if r.results.NextResult() {
		return r.results.ResultReader(), nil
	}
	return nil, cmp.Or(r.results.Close(), errNoSnapshot)
}

// fail ends the round trip over an error, and gives it.
func (r *rowsBehind) fail(err error) error {
	r.closed = true
	r.forget(err)
	_ = r.results.Close() // err says more
	r.ended(err)
	return err
}

// forget lets go of what is prepared when the server does not have it any more, or finds that it means something else now.
func (r *rowsBehind) forget(err error) {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pgErr.Code == noSuchStatement:
		*r.ahead = ahead{names: r.ahead.names}
	case ok && pgErr.Code == changedStatement:
		if sd := r.ahead.statements[r.query]; sd != nil {
			r.ahead.outdated = append(r.ahead.outdated, sd.Name)
		}
		delete(r.ahead.statements, r.query)
	}
}

// lostStatement tells whether an error is about what was prepared and not about the query. Then the query has not been run.
func lostStatement(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == noSuchStatement || pgErr.Code == changedStatement)
}

// The server's codes for a statement that is not prepared, and for one whose result has another type than when it was.
const (
	noSuchStatement  = "26000"
	changedStatement = "0A000"
)

func (r *rowsBehind) Next() bool {
	if r.closed {
		return false
	}
	if r.reader.NextRow() {
		return true
	}
	r.Close()
	return false
}

func (r *rowsBehind) RawValues() [][]byte { return r.reader.Values() }

func (r *rowsBehind) FieldDescriptions() []pgconn.FieldDescription {
	return r.reader.FieldDescriptions()
}

func (r *rowsBehind) Err() error { return r.err }

func (r *rowsBehind) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.tag, r.err = r.reader.Close()
	if err := r.results.Close(); r.err == nil {
		r.err = err
	}
	r.forget(r.err)
	r.ended(r.err)
}
