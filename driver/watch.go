package driver

import (
	"context"
	"database/sql/driver"

	"github.com/ngrok/sqlmw"

	"github.com/gopgcache/pgcache/cachestore"
)

var _ sqlmw.Interceptor = (*watch)(nil)

// watch is the interceptor of one connection. It sees every statement on its way to PostgreSQL: before it is sent the
// ledger learns what it may change, and again when it has been acknowledged.
type watch struct {
	sqlmw.NullInterceptor

	conn *Conn
	open openWrite
	// unresolved are texts whose tables could not be asked for inside a transaction. They are asked for after it.
	unresolved []*text
	// proved is set while a statement is on its way that was proved to be a plain read in this very session.
	proved bool
	// rows are those of the query that was just sent, for the connection to pick up: sqlmw's wrapper hides a part of them.
	rows *passedRows
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
	return ctx, w.reporting(ctx, rows, err, e), err
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
	return ctx, w.reporting(ctx, rows, err, e), err
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
	w.open.pid = w.conn.serverPID()
	if e.judged {
		w.open.judge(e.asOf)
	}
	if e.all || len(e.changes) > 0 {
		w.open.begin(ctx, e.changes, e.all)
	}
	if e.schema {
		w.open.alter()
		w.conn.cache.schemaChanges()
	}
	if e.doubtful {
		w.open.alter() // everything is under way meanwhile, so it is enough to ask anew afterwards
	}
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
	if e.judged && c.cache.schemaMoves(e.asOf) {
		c.forget() // it may have done something else than it was known for: see openWrite.misjudged
	}
	switch {
	case c.inner.lost():
		w.lose()
	case c.inner.idle():
		w.resolve(ctx)
		w.open.end(ctx)
	case e.ends:
		// COMMIT AND CHAIN: what was written is out, and the next transaction is open.
		w.open.again(ctx)
	}
}

// unresolvedMost bounds what is asked for after one transaction.
const unresolvedMost = 16

// put notes a text to be asked for later.
func (w *watch) put(t *text) {
	if len(w.unresolved) < unresolvedMost {
		w.unresolved = append(w.unresolved, t)
	}
}

// resolve asks for the tables that could not be asked for inside the transaction that has ended, so that the next one like
// it need not count as a write to everything. What it wrote is under way meanwhile: one of them may have changed the schema. A
// failure is of no account.
func (w *watch) resolve(ctx context.Context) {
	list := w.unresolved
	w.unresolved = nil
	for _, t := range list {
		if w.open.schema || ctx.Err() != nil || w.conn.inner.lost() {
			return // after a change of the schema answers from before it are of no use
		}
		a, _ := w.conn.ask(ctx, t)
		if a != nil && a.opaque() && !w.conn.cache.schemaTold() && a.doubts(cachestore.Now()) {
			w.open.alter()
		}
	}
}

// reporting gives rows that report to the watch when they are closed: only then has PostgreSQL done all that the statement does.
func (w *watch) reporting(ctx context.Context, rows driver.Rows, err error, e effect) driver.Rows {
	w.rows = nil
	if err != nil {
		w.after(ctx, e, err)
		return rows
	}
	w.rows = newPassedRows(rows, func(err error) { w.after(context.WithoutCancel(ctx), e, err) })
	return rows
}
