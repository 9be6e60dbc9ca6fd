package sessions_test

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/driver"
)

// compare reads through the cache and at once again past it, on the same session. Whatever the cache says, PostgreSQL has
// to say too.
func (p *player) compare(ctx context.Context, s *session, q queryer, o op) *difference {
	before := p.connector.Stats()
	cached := p.read(p.through(ctx, o), s, q, o)
	after := p.connector.Stats()
	p.failed = cached.err != ""
	hit := after.Hits+after.Coalesced > before.Hits+before.Coalesced
	inTransaction := s.tx != nil || s.open
	if inTransaction && cached.err != "" {
		p.tally.uncomparable() // the transaction is over: whatever comes next fails with another error
		return nil
	}
	uncached := p.read(driver.Bypass(ctx), s, q, o)
	if o.form.brief {
		s.closeStatements()
	}
	if cached.equals(uncached, o.form.ordered) {
		p.tally.read(o, hit, inTransaction, cached)
		return nil
	}
	if p.keepsPlans(s, o) && cached.equals(p.readAnew(ctx, q, o), o.form.ordered) {
		p.tally.read(o, hit, inTransaction, cached)
		p.tally.anew++
		return nil
	}
	if p.excused(ctx, s, q, o, cached, uncached) {
		p.tally.uncomparable()
		return nil
	}
	return &difference{op: o, cached: cached, uncached: uncached, hit: hit}
}

// keepsPlans tells whether the session may run a text by a plan that it has made before. PostgreSQL reads literals, finds names
// and asks who may call a function that it folds when it makes a plan, so two sessions in the same state may get different
// answers from it. What is kept for both has to be that of a plan made now.
func (p *player) keepsPlans(s *session, o op) bool {
	return p.world.mode == "cache_statement" || s.stmts[o.sql] != nil
}

// readAnew reads past the cache, in a text that nobody has prepared.
func (p *player) readAnew(ctx context.Context, q queryer, o op) *outcome {
	o.sql, o.form.prepared = o.sql+" ", false
	o.args = append([]any{pgx.QueryExecModeDescribeExec}, o.args...)
	return p.read(driver.Bypass(ctx), nil, q, o)
}

// through is the context of a read through the cache.
func (p *player) through(ctx context.Context, o op) context.Context {
	if o.form.key != "" {
		return driver.WithKey(ctx, o.form.key)
	}
	return ctx
}

// read makes a query in the form that the step asks for.
func (p *player) read(ctx context.Context, s *session, q queryer, o op) *outcome {
	if o.form.prepared {
		stmt, err := s.prepared(ctx, q, o.sql)
		switch {
		case err != nil:
			return failed(err)
		case o.form.row:
			return outcomeOfRow(stmt.QueryRowContext(ctx, o.args...))
		default:
			return outcomeOf(stmt.QueryContext(ctx, o.args...))
		}
	}
	if o.form.row {
		return outcomeOfRow(q.QueryRowContext(ctx, o.sql, o.args...))
	}
	return outcomeOf(q.QueryContext(ctx, o.sql, o.args...))
}

// prepared gives a statement that stays prepared. In a transaction of database/sql's it would end with that.
func (s *session) prepared(ctx context.Context, q queryer, query string) (*sql.Stmt, error) {
	if s.tx != nil {
		return s.tx.PrepareContext(ctx, query)
	}
	if stmt := s.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := q.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if s.stmts == nil {
		s.stmts = make(map[string]*sql.Stmt)
	}
	s.stmts[query] = stmt
	return stmt, nil
}

// Errors that PostgreSQL gives one time and not the next.
const (
	featureNotSupported = "0A000" // "cached plan must not change result type": pgx forgets the statement, and the next one works
	lockNotAvailable    = "55P03" // an open transaction holds a lock that the cache need not wait for
)

// excused tells whether a difference has nothing to do with the cache: when pgx had to be told by an error that a prepared
// statement has become another one, or when a lock kept PostgreSQL from answering.
func (p *player) excused(ctx context.Context, s *session, q queryer, o op, cached, uncached *outcome) bool {
	if uncached.code == lockNotAvailable || cached.code == lockNotAvailable {
		return true
	}
	if cached.code != featureNotSupported && uncached.code != featureNotSupported {
		return false
	}
	if s.tx != nil || s.open {
		return true
	}
	if o.form.prepared {
		s.closeStatements()
	}
	again := p.read(driver.Bypass(ctx), s, q, o)
	if cached.code == featureNotSupported {
		cached = p.read(p.through(ctx, o), s, q, o)
	}
	return cached.equals(again, o.form.ordered)
}

func (o *outcome) error() error {
	if o.err == "" {
		return nil
	}
	return errors.New(o.err)
}
