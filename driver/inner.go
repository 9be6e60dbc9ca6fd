package driver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver/internal/ahead"
)

var (
	_ driver.Conn               = (*inner)(nil)
	_ driver.ConnBeginTx        = (*inner)(nil)
	_ driver.ConnPrepareContext = (*inner)(nil)
	_ driver.ExecerContext      = (*inner)(nil)
	_ driver.QueryerContext     = (*inner)(nil)
	_ driver.Pinger             = (*inner)(nil)
)

// inner is the end of the chain: pgx's connection, dialled when something needs it. What stands before it in the chain is
// the interceptor, so nothing reaches PostgreSQL unseen.
type inner struct {
	pgx driver.Connector
	// beforeDial is called before a new session is dialled, and afterDial when it has begun.
	beforeDial, afterDial func()
	std                   *stdlib.Conn // nil until it is dialled, and after it was lost
	// ahead is what fills have prepared on the session. mode and tracer are of its configuration, which pgx copies whole for
	// each who asks.
	ahead  ahead.Session
	mode   pgx.QueryExecMode
	tracer pgx.QueryTracer
	// rested is set when the connection comes out of the pool. pgx asks the server then whether it is still there, which
	// costs more than a hit, so that is put off until the connection is needed.
	rested bool
	// fill is the fill that uses the connection, if one does.
	fill *fill
	// dead is set when the session was given away with something in it that a new one would lack.
	dead bool
}

// conn gives the connection, dialled and free. ctx bounds the dialling.
func (i *inner) conn(ctx context.Context) (*stdlib.Conn, error) {
	if i.dead {
		return nil, driver.ErrBadConn
	}
	if i.busy() || i.passing() {
		return nil, errBusy
	}
	if err := i.wake(ctx); err != nil {
		return nil, err
	}
	if i.std != nil {
		return i.std, nil
	}
	i.beforeDial()
	conn, err := i.pgx.Connect(ctx)
	if err != nil {
		return nil, err
	}
	i.std, i.ahead = conn.(*stdlib.Conn), ahead.Session{}
	config := i.std.Conn().Config()
	i.mode, i.tracer = config.DefaultQueryExecMode, config.Tracer
	i.afterDial()
	return i.std, nil
}

// errBusy is the error while rows are open on the connection, outside a transaction. pgx says ErrBadConn of a query then, over which
// database/sql waits for the rows to be closed, by the caller who waits.
var errBusy = errors.New("pgcache: conn busy: rows of another query are still open on it")

// passing tells whether rows of a statement that was passed on are open, outside a transaction. Inside one pgx says so.
func (i *inner) passing() bool {
	conn := i.dialled()
	return conn != nil && conn.PgConn().IsBusy() && conn.PgConn().TxStatus() == 'I'
}

// wake does what pgx does when a connection is taken out of the pool, and drops one that is no good any more.
func (i *inner) wake(ctx context.Context) error {
	if !i.rested || i.std == nil {
		i.rested = false
		return nil
	}
	i.rested = false
	err := i.std.ResetSession(ctx)
	if errors.Is(err, driver.ErrBadConn) && ctx.Err() == nil {
		// Nothing is lost: database/sql would close it and open another.
		return i.Close()
	}
	return err
}

// busy tells whether a fill still reads from the connection.
func (i *inner) busy() bool {
	if i.fill != nil && i.fill.finished() {
		if i.fill.forgets {
			i.fill.conn.forget()
		}
		i.fill = nil
	}
	return i.fill != nil
}

// dialled gives pgx's connection if there is one.
func (i *inner) dialled() *pgx.Conn {
	if i.std == nil {
		return nil
	}
	return i.std.Conn()
}

// idle tells whether the connection is free and outside a transaction, as far as the server has said. One that was never
// dialled is.
func (i *inner) idle() bool {
	if i.busy() {
		return false
	}
	conn := i.dialled()
	return conn == nil || conn.PgConn().TxStatus() == 'I' && !conn.PgConn().IsBusy()
}

// lost tells whether the connection has been closed under us.
func (i *inner) lost() bool {
	if i.busy() {
		return false // the fill will see
	}
	conn := i.dialled()
	return conn != nil && conn.IsClosed()
}

func (i *inner) Prepare(query string) (driver.Stmt, error) {
	return i.PrepareContext(context.Background(), query)
}

func (i *inner) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	std, err := i.conn(ctx)
	if err != nil {
		return nil, err
	}
	return std.PrepareContext(ctx, query)
}

func (i *inner) Begin() (driver.Tx, error) {
	return i.BeginTx(context.Background(), driver.TxOptions{})
}

func (i *inner) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	std, err := i.conn(ctx)
	if err != nil {
		return nil, err
	}
	return std.BeginTx(ctx, opts)
}

func (i *inner) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	std, err := i.conn(ctx)
	if err != nil {
		return nil, err
	}
	return std.ExecContext(ctx, query, args)
}

func (i *inner) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if fc, ok := ctx.(*fillContext); ok {
		return fc.fill.query(query, args)
	}
	std, err := i.conn(ctx)
	if err != nil {
		return nil, err
	}
	return std.QueryContext(ctx, query, args)
}

func (i *inner) Ping(ctx context.Context) error {
	std, err := i.conn(ctx)
	if err != nil {
		return err
	}
	return std.Ping(ctx)
}

// Close closes the connection and leaves the inner ready to dial again.
func (i *inner) Close() error {
	if i.std == nil {
		return nil
	}
	std := i.std
	i.std = nil
	return std.Close()
}
