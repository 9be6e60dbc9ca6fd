package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"sync/atomic"
	"testing"
)

// fakeServer is a database/sql driver whose answers are Go functions.
type fakeServer struct {
	answer func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error)
	busy   atomic.Int64 // queries being answered
	peak   atomic.Int64 // most at a time
	asked  atomic.Int64
}

// fake opens a pool on a server that answers with answer.
func fake(tb testing.TB, answer func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error)) (*sql.DB, *fakeServer) {
	s := &fakeServer{answer: answer}
	db := sql.OpenDB(s)
	db.SetMaxIdleConns(32)
	tb.Cleanup(func() { _ = db.Close() })
	return db, s
}

// one answers every query with one row of one column.
func one(value driver.Value) func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return table([]string{"value"}, []driver.Value{value}), nil
	}
}

// echo answers every query with its first parameter.
func echo(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	return table([]string{"value"}, []driver.Value{args[0].Value}), nil
}

func table(columns []string, rows ...[]driver.Value) driver.Rows {
	return &fakeRows{columns: columns, rows: rows}
}

func (s *fakeServer) Connect(context.Context) (driver.Conn, error) { return &fakeConn{s}, nil }
func (s *fakeServer) Driver() driver.Driver                        { return s }
func (s *fakeServer) Open(string) (driver.Conn, error)             { return &fakeConn{s}, nil }

type fakeConn struct{ server *fakeServer }

func (c *fakeConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s := c.server
	s.asked.Add(1)
	now := s.busy.Add(1)
	defer s.busy.Add(-1)
	for peak := s.peak.Load(); now > peak && !s.peak.CompareAndSwap(peak, now); peak = s.peak.Load() {
	}
	return s.answer(ctx, query, args)
}

func (c *fakeConn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

func (c *fakeConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared here") }

func (c *fakeConn) Begin() (driver.Tx, error) { return nil, errors.New("no transactions here") }
func (c *fakeConn) Close() error              { return nil }

type fakeRows struct {
	columns []string
	rows    [][]driver.Value
	last    error // after the rows; nil: io.EOF
}

func (r *fakeRows) Columns() []string { return r.columns }
func (r *fakeRows) Close() error      { return nil }

func (r *fakeRows) Next(dest []driver.Value) error {
	if len(r.rows) == 0 {
		if r.last != nil {
			return r.last
		}
		return io.EOF
	}
	copy(dest, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
