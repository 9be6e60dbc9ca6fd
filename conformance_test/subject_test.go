package conformance_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// subject is what a script runs on: a database opened with one of the drivers. Its methods write down what is seen.
type subject struct {
	t          *testing.T
	ctx        context.Context
	db         *sql.DB
	transcript []string
	// replans is set when pgcache prepares what pgx has prepared long ago, since the session was changed. An error comes from
	// another of pgx's steps then, and is wrapped once more.
	replans bool
}

// queryer is a sql.DB, Conn or Tx.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// notef writes a line.
func (s *subject) notef(format string, args ...any) {
	s.transcript = append(s.transcript, fmt.Sprintf(format, args...))
}

// saw writes down a value that was scanned, and the error of getting it.
func (s *subject) saw(what string, value any, err error) {
	s.notef("%s: %s, error: %s", what, describe(value), describeError(err))
}

// must stops the test when a step fails that is not what the script is about.
func (s *subject) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// query runs a query and writes down all that can be seen of it.
func (s *subject) query(on queryer, query string, args ...any) {
	s.notef("query %s %s", query, describe(args))
	s.read(on.QueryContext(s.ctx, query, args...))
}

// exec runs a statement and writes down its outcome.
func (s *subject) exec(on queryer, query string, args ...any) {
	s.notef("exec %s %s", query, describe(args))
	s.outcome(on.ExecContext(s.ctx, query, args...))
}

func (s *subject) outcome(result sql.Result, err error) {
	if err != nil {
		s.notef("failed: %s", describeError(err))
		return
	}
	affected, err := result.RowsAffected()
	s.notef("affected %d, error: %s", affected, describeError(err))
	id, err := result.LastInsertId()
	s.notef("last id %d, error: %s", id, describeError(err))
}

// do runs a statement that prepares a script's next step.
func (s *subject) do(on queryer, query string, args ...any) {
	s.t.Helper()
	_, err := on.ExecContext(s.ctx, query, args...)
	s.must(err)
}

// read writes down a result: its columns, every row scanned into values of type any, and how it ended.
func (s *subject) read(rows *sql.Rows, err error) {
	if step, ok := errors.AsType[*pgconn.PrepareError](err); ok && s.replans {
		err = step.Unwrap()
	}
	if err != nil {
		s.notef("failed: %s", describeError(err))
		return
	}
	defer rows.Close()
	s.columns(rows)
	for rows.Next() {
		s.row(rows)
	}
	s.notef("ended: %s", describeError(rows.Err()))
	s.notef("another result: %t", rows.NextResultSet())
	s.notef("closed: %s", describeError(rows.Close()))
}

// columns writes down what is told about the columns.
func (s *subject) columns(rows *sql.Rows) {
	names, err := rows.Columns()
	s.notef("columns %q, error: %s", names, describeError(err))
	types, err := rows.ColumnTypes()
	if err != nil {
		s.notef("column types: %s", describeError(err))
	}
	for _, c := range types {
		length, hasLength := c.Length()
		precision, scale, hasScale := c.DecimalSize()
		nullable, hasNullable := c.Nullable()
		s.notef("column %q: type %s, length %d %t, precision %d scale %d %t, nullable %t %t, scan type %s", c.Name(),
			c.DatabaseTypeName(), length, hasLength, precision, scale, hasScale, nullable, hasNullable, c.ScanType())
	}
}

// row writes down the row at hand.
func (s *subject) row(rows *sql.Rows) {
	names, _ := rows.Columns()
	values, dest := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		dest[i] = &values[i]
	}
	err := rows.Scan(dest...)
	s.notef("row %s, error: %s", describe(values), describeError(err))
}

// one reads one row into a destination, as QueryRow does, and writes down what arrived there.
func (s *subject) one(on queryer, dest any, query string, args ...any) {
	err := on.QueryRowContext(s.ctx, query, args...).Scan(dest)
	s.saw(query+" "+describe(args), reflect.ValueOf(dest).Elem().Interface(), err)
}

// firstDifference shows where two transcripts part, with the lines that led there.
func firstDifference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		a, b := "(nothing more)", "(nothing more)"
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			return fmt.Sprintf("after: %s\npgx:     %s\npgcache: %s", strings.Join(want[max(0, i-3):i], "\n       "), a, b)
		}
	}
	return ""
}
