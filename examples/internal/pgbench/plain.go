package pgbench

import (
	"context"
	"database/sql"
	"errors"
)

// Plain is the database opened by pgx alone. It can tell what PostgreSQL was asked by everybody.
type Plain struct {
	*sql.DB

	counts bool // there is pg_stat_statements
}

// OpenPlain opens the database, and connects.
func (d *Database) OpenPlain(ctx context.Context) (*Plain, error) {
	db, err := sql.Open("pgx", d.DSN())
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p := &Plain{DB: db}
	_, err = db.ExecContext(ctx, "create extension if not exists pg_stat_statements")
	if err == nil {
		_, err = p.ran(ctx)
	}
	p.counts = err == nil
	return p, nil
}

// Close closes it.
func (p *Plain) Close() { _ = p.DB.Close() }

// ErrNotCounted means that the server has no pg_stat_statements.
var ErrNotCounted = errors.New("the server does not count statements")

// Ran tells how many queries of pgbench_accounts the server has run in this database, whoever sent them.
func (p *Plain) Ran(ctx context.Context) (int64, error) {
	if !p.counts {
		return 0, ErrNotCounted
	}
	return p.ran(ctx)
}

func (p *Plain) ran(ctx context.Context) (n int64, err error) {
	err = p.QueryRowContext(ctx, `
		select coalesce(sum(s.calls), 0)::bigint
		  from pg_stat_statements s join pg_database d on d.oid = s.dbid
		 where d.datname = current_database() and s.query ilike 'select%from pgbench_accounts%'`).Scan(&n)
	return n, err
}

// Uncounted has it forget that the server counts, as where there is no pg_stat_statements.
func (p *Plain) Uncounted() { p.counts = false }
