package driver

import (
	"context"
	"database/sql/driver"

	"github.com/ngrok/sqlmw"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/freshness"
)

var _ sqlmw.Interceptor = (*watch)(nil)

// watch is the interceptor of one connection. It sees every statement on its way to PostgreSQL: before it is sent the
// ledger learns what it may change, and again when it has been acknowledged.
type watch struct {
	sqlmw.NullInterceptor

	conn *Conn
	// write is what this session has written and nobody else may have seen yet.
	write freshness.Write
	// told is what the fleet was told of it.
	told publication
	// schema is set while the session has changed the schema in a transaction that is still open.
	schema bool
	// unresolved are texts whose tables could not be asked for inside a transaction. They are asked for after it.
	unresolved []*text
	// proved is set while a statement is on its way that was proved to be a plain read in this very session.
	proved bool
	// rows are those of the query that was just sent, for the connection to pick up: sqlmw's wrapper hides a part of them.
	rows *passedRows
}

// effect is what a statement may change.
type effect struct {
	changes []freshness.Change
	all     bool
	schema  bool
	// doubtful is set when a function or a trigger runs of which nothing is known, and the schema counts as changed by it.
	doubtful bool
	session  bool
	// temporary is set when the session may look for names in its temporary schema afterwards.
	temporary bool
	ends      bool // it may end a transaction
	// settings is set when it gives settings of the user's own other values, which are those in assigned if the statement
	// succeeds and is a transaction of its own.
	settings bool
	assigned []assignment
}

// ConnExecContext implements sqlmw.Interceptor.
func (w *watch) ConnExecContext(
	ctx context.Context, conn driver.ExecerContext, query string, args []driver.NamedValue,
) (driver.Result, error) {
	e, err := w.before(ctx, query, args)
	if err != nil {
		return nil, err
	}
	result, err := conn.ExecContext(ctx, query, args)
	w.after(ctx, e, err)
	return result, err
}

// ConnQueryContext implements sqlmw.Interceptor.
func (w *watch) ConnQueryContext(
	ctx context.Context, conn driver.QueryerContext, query string, args []driver.NamedValue,
) (context.Context, driver.Rows, error) {
	if _, ok := ctx.(*fillContext); ok {
		// A fill runs a statement that was proved to be a plain read.
		rows, err := conn.QueryContext(ctx, query, args)
		return ctx, rows, err
	}
	e, err := w.before(ctx, query, args)
	if err != nil {
		return ctx, nil, err
	}
	rows, err := conn.QueryContext(ctx, query, args)
	return ctx, w.track(ctx, rows, err, e), err
}

// StmtExecContext implements sqlmw.Interceptor.
func (w *watch) StmtExecContext(
	ctx context.Context, stmt driver.StmtExecContext, query string, args []driver.NamedValue,
) (driver.Result, error) {
	e, err := w.before(ctx, query, args)
	if err != nil {
		return nil, err
	}
	result, err := stmt.ExecContext(ctx, args)
	w.after(ctx, e, err)
	return result, err
}

// StmtQueryContext implements sqlmw.Interceptor.
func (w *watch) StmtQueryContext(
	ctx context.Context, stmt driver.StmtQueryContext, query string, args []driver.NamedValue,
) (context.Context, driver.Rows, error) {
	e, err := w.before(ctx, query, args)
	if err != nil {
		return ctx, nil, err
	}
	rows, err := stmt.QueryContext(ctx, args)
	return ctx, w.track(ctx, rows, err, e), err
}

// TxCommit implements sqlmw.Interceptor.
func (w *watch) TxCommit(ctx context.Context, tx driver.Tx) error {
	err := tx.Commit()
	w.after(ctx, effect{ends: true}, err)
	return err
}

// TxRollback implements sqlmw.Interceptor.
func (w *watch) TxRollback(ctx context.Context, tx driver.Tx) error {
	err := tx.Rollback()
	w.after(ctx, effect{ends: true}, err)
	return err
}

// before tells the ledger what a statement may change. Its error is that of a dial that was needed to find out.
func (w *watch) before(ctx context.Context, query string, args []driver.NamedValue) (effect, error) {
	if w.proved {
		return effect{}, nil
	}
	w.conn.comeBack()
	// The session that will run the statement has to be there first: what it is decides what the names stand for.
	if _, err := w.conn.inner.conn(ctx); err != nil {
		return effect{}, err
	}
	if w.conn.text(query).beginsTransaction() {
		if err := w.conn.meet(ctx); err != nil {
			return effect{}, err
		}
	}
	w.conn.planElsewhere(w.conn.text(query))
	e, err := w.conn.effect(ctx, query, args)
	if err != nil {
		return effect{}, err
	}
	if e.all || len(e.changes) > 0 {
		w.write.Begin(&w.conn.cache.ledger, e.changes, e.all)
		tables := freshness.Tables(e.changes)
		w.conn.cache.peers.wrote(tables, e.all)
		w.conn.cache.shared.publish(ctx, &w.told, w.conn.serverPID(), tables, e.all)
	}
	if e.schema {
		w.schema = true
		w.conn.cache.schemaChanges()
	}
	// Everything is under way meanwhile, so for what is doubtful it is enough to ask anew afterwards.
	w.schema = w.schema || e.doubtful
	return e, nil
}

// after is called when a statement has been answered, well or not. Only outside a transaction is its outcome known and
// visible to others.
func (w *watch) after(ctx context.Context, e effect, err error) {
	c := w.conn
	if e.session {
		c.forget()
		c.reticent = c.reticent || e.temporary
	}
	if e.settings {
		c.assign(e.assigned, err)
	}
	switch {
	case c.inner.lost():
		w.lose()
	case c.inner.idle():
		w.resolve(ctx)
		w.settle()
	case e.ends:
		// COMMIT AND CHAIN: what was written is out, and the next transaction is open.
		w.write.Again()
		w.marks()
		w.conn.cache.shared.republish(ctx, &w.told)
	}
}

// settle ends what is under way: everybody can see it now, or it never happened.
func (w *watch) settle() {
	schema := w.schema
	if schema {
		// Before the write ends: what is read after it must not be tagged by what names stood for before.
		w.schema = false
		w.conn.cache.schemaChanges()
	}
	changes, all := w.marks()
	w.write.End()
	switch {
	case schema:
		w.conn.cache.observers.stale(SourceSchema, all)
	case all || len(changes) > 0:
		w.conn.cache.observers.stale(SourceWrite, all)
	}
	w.conn.cache.shared.conclude(&w.told)
}

// marks holds back what was written, until the feed has delivered it or, where there is none, from what others have read.
func (w *watch) marks() (changes []freshness.Change, all bool) {
	changes, all = w.write.Written()
	w.conn.cache.wrote(changes, all)
	w.conn.cache.peers.wrote(freshness.Tables(changes), all)
	return changes, all
}

// resolve asks for the tables that could not be asked for inside the transaction that has ended, so that the next one like
// it need not count as a write to everything. What it wrote is under way meanwhile: one of them may have changed the schema. A
// failure is of no account.
func (w *watch) resolve(ctx context.Context) {
	list := w.unresolved
	w.unresolved = nil
	for _, t := range list {
		if w.schema || ctx.Err() != nil || w.conn.inner.lost() {
			return // after a change of the schema answers from before it are of no use
		}
		a, _ := w.conn.ask(ctx, t)
		w.schema = a != nil && a.opaque() && !w.conn.cache.schemaTold() && a.doubts(cachestore.Now())
	}
}

// track gives rows that report to the watch when they are closed: only then has PostgreSQL done all that the statement does.
func (w *watch) track(ctx context.Context, rows driver.Rows, err error, e effect) driver.Rows {
	w.rows = nil
	if err != nil {
		w.after(ctx, e, err)
		return rows
	}
	w.rows = newPassedRows(rows, func(err error) { w.after(context.WithoutCancel(ctx), e, err) })
	return rows
}
