// Package sqlcapp is code as sqlc writes it for database/sql, with prepared queries. It was written by hand in sqlc's style.
package sqlcapp

import (
	"context"
	"database/sql"
	"fmt"
)

// DBTX is a sql.DB, or a transaction of one.
type DBTX interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// New gives the queries on a database.
func New(db DBTX) *Queries { return &Queries{db: db} }

// Prepare gives the queries on a database, each as a prepared statement.
func Prepare(ctx context.Context, db DBTX) (*Queries, error) {
	q := &Queries{db: db, stmts: make(map[string]*sql.Stmt)}
	for _, query := range []string{
		createAuthor, createBook, getBookByISBN, listBooks, listBooksByIDs, revenue, upsertBook, createSales, takeFromStock, lockBook,
	} {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("error preparing query %q: %w", query, err)
		}
		q.stmts[query] = stmt
	}
	return q, nil
}

// Queries are all queries of the application.
type Queries struct {
	db    DBTX
	tx    *sql.Tx
	stmts map[string]*sql.Stmt
}

// Close closes the prepared statements.
func (q *Queries) Close() error {
	var err error
	for query, stmt := range q.stmts {
		if failed := stmt.Close(); failed != nil {
			err = fmt.Errorf("error closing query %q: %w", query, failed)
		}
	}
	return err
}

// WithTx gives the queries in a transaction.
func (q *Queries) WithTx(tx *sql.Tx) *Queries { return &Queries{db: tx, tx: tx, stmts: q.stmts} }

func (q *Queries) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	switch stmt := q.stmts[query]; {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).ExecContext(ctx, args...)
	case stmt != nil:
		return stmt.ExecContext(ctx, args...)
	default:
		return q.db.ExecContext(ctx, query, args...)
	}
}

func (q *Queries) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	switch stmt := q.stmts[query]; {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryContext(ctx, args...)
	case stmt != nil:
		return stmt.QueryContext(ctx, args...)
	default:
		return q.db.QueryContext(ctx, query, args...)
	}
}

func (q *Queries) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	switch stmt := q.stmts[query]; {
	case stmt != nil && q.tx != nil:
		return q.tx.StmtContext(ctx, stmt).QueryRowContext(ctx, args...)
	case stmt != nil:
		return stmt.QueryRowContext(ctx, args...)
	default:
		return q.db.QueryRowContext(ctx, query, args...)
	}
}
