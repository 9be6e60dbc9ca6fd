// Package ahead asks a server what a query will see, in the same round trip as the query: a snapshot, and after it how far the log of
// changes has been written. The question goes ahead of the query, so that what it sees the query sees too.
package ahead

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// question gives one row, in binary.
const question = "select pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_wal_insert_lsn()"

var snapshotFormats = []int16{pgx.BinaryFormatCode}

// Session is what is prepared on one session for questions and the queries behind them. The zero value is that of a session with
// nothing prepared. It is for one goroutine at a time, as the session is.
type Session struct {
	question   *pgconn.StatementDescription // nil until it is prepared
	statements map[string]*pgconn.StatementDescription
	outdated   []string // the names of those that the server has and that mean nothing any more
	names      int      // that were given
}

// Query is what is asked behind the question.
type Query struct {
	SQL     string
	Args    []any
	Formats pgx.QueryResultFormatsByOID
	Tracer  pgx.QueryTracer // or nil
}

// Asker is told what a query sees, before its first row comes.
type Asker interface {
	Sees(snapshot freshness.Snapshot, lsn uint64)
}

// ErrNotSent means that the connection broke before the query was sent.
var ErrNotSent = errors.New("pgcache: the connection was lost before the query was sent")

// Ask sends the question and the query in one round trip, or in two where that can't be. An error of the server's is the query's.
func (s *Session) Ask(ctx context.Context, conn *pgx.Conn, q *Query, asker Asker) (Rows, error) {
	if sd := s.describe(ctx, conn, q.SQL); sd != nil && len(sd.ParamOIDs) == len(q.Args) {
		var values pgx.ExtendedQueryBuilder
		if values.Build(conn.TypeMap(), sd, q.Args) == nil {
			rows, err := s.askTogether(ctx, conn, q, sd, &values, asker)
			if !lostStatement(err) {
				return rows, err
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case conn.IsClosed():
		return nil, ErrNotSent
	}
	return AskApart(ctx, conn, q, asker)
}

// AskApart asks the question in a round trip of its own.
func AskApart(ctx context.Context, conn *pgx.Conn, q *Query, asker Asker) (Rows, error) {
	answer := conn.PgConn().ExecParams(ctx, question, nil, nil, nil, snapshotFormats)
	if err := readSnapshot(answer, asker); err != nil {
		return nil, err
	}
	return conn.Query(ctx, q.SQL, append([]any{q.Formats}, q.Args...)...)
}

// maxPrepared bounds the statements prepared on one session. What comes after them takes two round trips.
const maxPrepared = 256

// describe gives the descriptions of the question and of a query, preparing them if need be, as pgx does for a query that it runs
// for the first time. It gives nil for a query when there are too many, or the server refuses: pgx will say what it says then.
func (s *Session) describe(ctx context.Context, conn *pgx.Conn, query string) *pgconn.StatementDescription {
	if s.question == nil {
		s.question = s.prepare(ctx, conn, question)
	}
	if s.question == nil {
		return nil
	}
	sd, known := s.statements[query]
	if known || len(s.statements) >= maxPrepared {
		return sd
	}
	for _, name := range s.outdated {
		_ = conn.PgConn().Deallocate(ctx, name) // a connection that is no good any more is found out next
	}
	s.outdated = nil
	if sd = s.prepare(ctx, conn, query); sd == nil {
		return nil
	}
	if s.statements == nil {
		s.statements = make(map[string]*pgconn.StatementDescription)
	}
	s.statements[query] = sd
	return sd
}

// prepare prepares a statement under a name that no other has on the session. It gives nil when the server refuses.
func (s *Session) prepare(ctx context.Context, conn *pgx.Conn, query string) *pgconn.StatementDescription {
	s.names++
	sd, err := conn.PgConn().Prepare(ctx, "pgcache_"+strconv.Itoa(s.names), query, nil)
	if err != nil {
		return nil
	}
	return sd
}

// askTogether sends the question and the query in one round trip, and reads the answer to the question.
func (s *Session) askTogether(
	ctx context.Context, conn *pgx.Conn, q *Query, sd *pgconn.StatementDescription, values *pgx.ExtendedQueryBuilder, asker Asker,
) (Rows, error) {
	formats := make([]int16, len(sd.Fields))
	for i, field := range sd.Fields {
		formats[i] = q.Formats[field.DataTypeOID]
	}
	rows := &rowsBehind{conn: conn, tracer: q.Tracer, session: s, query: q.SQL}
	rows.begin(ctx, q.Args)
	var batch pgconn.Batch
	batch.ExecStatement(s.question, nil, nil, snapshotFormats)
	batch.ExecStatement(sd, values.ParamValues, values.ParamFormats, formats)
	rows.results = conn.PgConn().ExecBatch(ctx, &batch)
	answer, err := rows.next()
	if err == nil {
		err = readSnapshot(answer, asker)
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
func readSnapshot(answer *pgconn.ResultReader, asker Asker) (err error) {
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
	asker.Sees(snapshot, binary.BigEndian.Uint64(row[1]))
	return nil
}

// errNoSnapshot is for a server that gives no answer and no error.
var errNoSnapshot = errors.New("pgcache: the server did not say what the query would see")
