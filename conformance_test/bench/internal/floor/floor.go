// Package floor has a driver that does nothing, to hold others against.
package floor

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// Open opens a database that has the answer to a query ready as driver values, which are those that pgx gives: what is left is
// database/sql's own work, which no driver can go below.
func Open(ctx context.Context, pgx *sql.DB, query string, args ...any) (*sql.DB, error) {
	rows, err := pgx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var r ready
	if r.columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() {
		row := make([]driver.Value, len(r.columns))
		into := make([]any, len(row))
		for i := range into {
			into[i] = new(any)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i := range row {
			row[i] = *into[i].(*any)
		}
		r.answer = append(r.answer, row)
	}
	return sql.OpenDB(&r), rows.Err()
}

// ready is a driver of one answer.
type ready struct {
	columns []string
	answer  [][]driver.Value
}

var errNotNeeded = errors.New("not needed here")

func (r *ready) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r *ready) Driver() driver.Driver                        { return nil }
func (r *ready) Prepare(string) (driver.Stmt, error)          { return nil, errNotNeeded }
func (r *ready) Begin() (driver.Tx, error)                    { return nil, errNotNeeded }
func (r *ready) Close() error                                 { return nil }
func (r *ready) CheckNamedValue(*driver.NamedValue) error     { return nil }

func (r *ready) QueryContext(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
	return &readyRows{r, 0}, ctx.Err()
}

type readyRows struct {
	of *ready
	at int
}

func (r *readyRows) Columns() []string { return r.of.columns }
func (r *readyRows) Close() error      { return nil }

func (r *readyRows) Next(dest []driver.Value) error {
	if r.at == len(r.of.answer) {
		return io.EOF
	}
	copy(dest, r.of.answer[r.at])
	r.at++
	return nil
}
