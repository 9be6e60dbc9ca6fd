package ahead

import (
	"cmp"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Rows is what is read of a result: a part of pgx.Rows.
type Rows interface {
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
	session *Session
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
		*r.session = Session{names: r.session.names}
	case ok && pgErr.Code == ChangedStatement:
		if sd := r.session.statements[r.query]; sd != nil {
			r.session.outdated = append(r.session.outdated, sd.Name)
		}
		delete(r.session.statements, r.query)
	}
}

// lostStatement tells whether an error is about what was prepared and not about the query. Then the query has not been run.
func lostStatement(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgErr.Code == noSuchStatement || pgErr.Code == ChangedStatement)
}

// The server's codes for a statement that is not prepared, and for one whose result has another type than when it was.
const (
	noSuchStatement  = "26000"
	ChangedStatement = "0A000"
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
