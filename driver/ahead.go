package driver

import (
	"context"
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

// askSnapshot is the question. It gives one row.
const askSnapshot = "select pg_catalog.pg_current_snapshot()::text, (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::text"

// snapshotName is what the question is prepared as on each session.
const snapshotName = "pgcache_snapshot"

// ahead is what is prepared on a session for questions and the queries behind them.
type ahead struct {
	snapshot   bool // the question is prepared
	statements map[string]*pgconn.StatementDescription
}

// maxAhead bounds the statements prepared on one session. What comes after them takes two round trips.
const maxAhead = 256

// describe gives the description of a query, preparing it if need be, as pgx does for a query that it runs for the first
// time. It gives nil when there are too many, or the server refuses: pgx will say what it says then.
func (a *ahead) describe(ctx context.Context, conn *pgx.Conn, query string) *pgconn.StatementDescription {
	if sd, known := a.statements[query]; known {
		return sd
	}
	if len(a.statements) >= maxAhead {
		return nil
	}
	sd, err := conn.PgConn().Prepare(ctx, "pgcache_"+strconv.Itoa(len(a.statements)), query, nil)
	if err != nil {
		return nil
	}
	if a.statements == nil {
		a.statements = make(map[string]*pgconn.StatementDescription)
	}
	a.statements[query] = sd
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
				return f.pipe(ctx, conn, sd, &values, args)
			}
		}
		if conn.IsClosed() {
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
	result := conn.ExecParams(ctx, askSnapshot, nil, nil, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	if len(result.Rows) != 1 {
		return fmt.Errorf("pgcache: asking for a snapshot: %d rows", len(result.Rows))
	}
	return f.readSnapshot(result.Rows[0])
}

// pipe sends the question and the query in one round trip, and reads the answer to the question.
func (f *fill) pipe(
	ctx context.Context, conn *pgx.Conn, sd *pgconn.StatementDescription, values *pgx.ExtendedQueryBuilder, args []any,
) (resultRows, error) {
	formats := make([]int16, len(sd.Fields))
	for i, field := range sd.Fields {
		formats[i] = resultFormats[field.DataTypeOID]
	}
	p := &pipedRows{conn: conn, tracer: f.inner.tracer, ahead: f.ahead, query: f.request.text.sql}
	p.begin(ctx, args)
	p.pipeline = conn.PgConn().StartPipeline(ctx)
	if !f.ahead.snapshot {
		p.pipeline.SendPrepare(snapshotName, askSnapshot, nil)
	}
	p.pipeline.SendQueryPrepared(snapshotName, nil, nil, nil)
	p.pipeline.SendQueryStatement(sd, values.ParamValues, values.ParamFormats, formats)
	if err := p.pipeline.Sync(); err != nil {
		return nil, p.fail(err)
	}
	if err := p.answerFor(f); err != nil {
		return nil, p.fail(err)
	}
	results, err := p.pipeline.GetResults()
	if err != nil {
		return nil, p.fail(err)
	}
	reader, ok := results.(*pgconn.ResultReader)
	if !ok {
		return nil, p.fail(fmt.Errorf("pgcache: a query was answered with %T", results))
	}
	p.reader = reader
	return p, nil
}

// readSnapshot takes the answer to the question.
func (f *fill) readSnapshot(row [][]byte) error {
	snapshot, err := freshness.ParseSnapshot(string(row[0]))
	if err != nil {
		return err
	}
	position, err := strconv.ParseUint(string(row[1]), 10, 64)
	if err != nil {
		return fmt.Errorf("pgcache: a position: %w", err)
	}
	f.tracking.Read(snapshot, f.request.verdict.track.feed.Position(position))
	return nil
}

// resultRows is what a fill reads: a part of pgx.Rows.
type resultRows interface {
	Next() bool
	RawValues() [][]byte
	FieldDescriptions() []pgconn.FieldDescription
	Err() error
	Close()
}

// pipedRows are the rows of a query that was sent behind the question.
type pipedRows struct {
	conn     *pgx.Conn
	tracer   pgx.QueryTracer // the caller's, or nil
	pipeline *pgconn.Pipeline
	reader   *pgconn.ResultReader
	ahead    *ahead
	query    string
	tag      pgconn.CommandTag
	err      error
	closed   bool
	// end tells the caller's tracer that the query has ended; nil when there is none.
	end func(pgx.TraceQueryEndData)
}

// begin tells the caller's tracer of the query, as pgx does for those that it sends.
func (p *pipedRows) begin(ctx context.Context, args []any) {
	if p.tracer != nil {
		traced := p.tracer.TraceQueryStart(ctx, p.conn, pgx.TraceQueryStartData{SQL: p.query, Args: args})
		p.end = func(data pgx.TraceQueryEndData) { p.tracer.TraceQueryEnd(traced, p.conn, data) }
	}
}

// ended tells the caller's tracer how the query ended.
func (p *pipedRows) ended(err error) {
	if p.end != nil {
		p.end(pgx.TraceQueryEndData{CommandTag: p.tag, Err: err})
	}
}

// answerFor reads the answer to the question.
func (p *pipedRows) answerFor(f *fill) error {
	for {
		results, err := p.pipeline.GetResults()
		if err != nil {
			return err
		}
		reader, ok := results.(*pgconn.ResultReader)
		if !ok {
			continue // the question has been prepared
		}
		p.ahead.snapshot = true
		answer := reader.Read()
		if answer.Err != nil {
			return answer.Err
		}
		if len(answer.Rows) != 1 {
			return fmt.Errorf("pgcache: asking for a snapshot: %d rows", len(answer.Rows))
		}
		return f.readSnapshot(answer.Rows[0])
	}
}

// fail ends the pipeline over an error, and gives it.
func (p *pipedRows) fail(err error) error {
	p.closed = true
	p.forget(err)
	_ = p.pipeline.Close() // err says more
	p.ended(err)
	return err
}

// forget lets go of what is prepared when the server does not have it any more, or finds that it means something else now.
func (p *pipedRows) forget(err error) {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if ok && (pgErr.Code == noSuchStatement || pgErr.Code == changedStatement) {
		p.ahead.snapshot = false
		delete(p.ahead.statements, p.query)
	}
}

// The server's codes for a statement that is not prepared, and for one whose result has another type than when it was.
const (
	noSuchStatement  = "26000"
	changedStatement = "0A000"
)

func (p *pipedRows) Next() bool {
	if p.closed {
		return false
	}
	if p.reader.NextRow() {
		return true
	}
	p.Close()
	return false
}

func (p *pipedRows) RawValues() [][]byte { return p.reader.Values() }

func (p *pipedRows) FieldDescriptions() []pgconn.FieldDescription {
	return p.reader.FieldDescriptions()
}

func (p *pipedRows) Err() error { return p.err }

func (p *pipedRows) Close() {
	if p.closed {
		return
	}
	p.closed = true
	p.tag, p.err = p.reader.Close()
	if p.err == nil {
		_, p.err = p.pipeline.GetResults() // the end of the round trip
	}
	p.forget(p.err)
	if err := p.pipeline.Close(); p.err == nil {
		p.err = err
	}
	p.ended(p.err)
}
