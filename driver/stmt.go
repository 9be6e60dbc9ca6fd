package driver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/cachestore"
)

var (
	_ driver.Stmt              = (*Stmt)(nil)
	_ driver.StmtExecContext   = (*Stmt)(nil)
	_ driver.StmtQueryContext  = (*Stmt)(nil)
	_ driver.NamedValueChecker = (*Stmt)(nil)
)

// errDeprecated is what pgx's statements say too.
var errDeprecated = errors.New("pgcache: Stmt.Exec and Stmt.Query without a context are not implemented")

// Stmt is a prepared statement. It answers from the cache like the connection does.
type Stmt struct {
	conn *Conn
	text *text
	// chain is sqlmw's statement, prepared on the session on. Both are nil for a command of ours, and on is another
	// session's when the connection was lost and dialled again.
	chain chainStmt
	on    *stdlib.Conn
	// planned is the state in which it was prepared, as far as it is known, and at when.
	planned planned
	at      cachestore.Instant
	// inputs is the number of arguments.
	inputs int
}

// chainStmt is what sqlmw's statement can do.
type chainStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// prepare prepares the statement on the connection's present session.
func (s *Stmt) prepare(ctx context.Context) error {
	s.conn.comeBack()
	if _, err := s.conn.inner.conn(ctx); err != nil {
		return err
	}
	s.conn.planElsewhere(s.text)
	era, at := s.conn.cache.era(), cachestore.Now()
	stmt, err := s.conn.chain.PrepareContext(ctx, s.text.sql)
	if err != nil {
		return err
	}
	s.chain, s.on = stmt.(chainStmt), s.conn.inner.std
	s.inputs = stmt.NumInput()
	s.planned, s.at = planned{s.conn.identity, era, s.conn.foreignPlans}, at
	if s.conn.prepared == nil {
		s.conn.prepared = make(map[string]int)
	}
	s.conn.prepared[s.text.sql]++
	return nil
}

// ready prepares the statement again if the session it was prepared on is gone.
func (s *Stmt) ready(ctx context.Context) error {
	if _, err := s.conn.inner.conn(ctx); err != nil {
		return err
	}
	if s.on != nil && s.on == s.conn.inner.std {
		return nil
	}
	return s.prepare(ctx)
}

// renew prepares the statement again if that was done under another state of the session or the schema: see planned; or before the
// catalog said what it says now. The session's identity is known.
func (s *Stmt) renew(ctx context.Context, since cachestore.Instant) error {
	if err := s.ready(ctx); err != nil {
		return err
	}
	now, early := s.conn.planState(), s.at < since && !s.conn.cache.schemaTold()
	if s.planned == now && !early {
		return nil
	}
	if early || s.planned.identity != nil || s.conn.changed || s.planned.schema != now.schema || s.planned.foreign != now.foreign {
		if err := s.Close(); err != nil {
			return err
		}
		// The error is pgx's as it is: programs look at its type.
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	s.planned.identity = s.conn.identity
	return nil
}

// QueryContext implements driver.StmtQueryContext.
func (s *Stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.query(ctx, s.text, args, s)
}

// ExecContext implements driver.StmtExecContext.
func (s *Stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.text.command != nil {
		return s.conn.ExecContext(ctx, s.text.sql, args)
	}
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	return s.chain.ExecContext(ctx, args)
}

// NumInput implements driver.Stmt.
func (s *Stmt) NumInput() int { return s.inputs }

// CheckNamedValue implements driver.NamedValueChecker: see Conn.CheckNamedValue.
func (s *Stmt) CheckNamedValue(*driver.NamedValue) error { return nil }

// Close implements driver.Stmt.
func (s *Stmt) Close() error {
	if s.chain == nil || s.on != s.conn.inner.std || s.conn.inner.busy() {
		return nil
	}
	if s.conn.prepared[s.text.sql]--; s.conn.prepared[s.text.sql] == 0 {
		delete(s.conn.prepared, s.text.sql)
	}
	return s.chain.Close()
}

// Exec implements driver.Stmt and always fails: database/sql calls ExecContext.
func (s *Stmt) Exec([]driver.Value) (driver.Result, error) { return nil, errDeprecated }

// Query implements driver.Stmt and always fails: database/sql calls QueryContext.
func (s *Stmt) Query([]driver.Value) (driver.Rows, error) { return nil, errDeprecated }
