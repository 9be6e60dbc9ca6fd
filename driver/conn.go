package driver

import (
	"context"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/ngrok/sqlmw"
)

var (
	_ driver.Conn               = (*Conn)(nil)
	_ driver.ConnBeginTx        = (*Conn)(nil)
	_ driver.ConnPrepareContext = (*Conn)(nil)
	_ driver.ExecerContext      = (*Conn)(nil)
	_ driver.QueryerContext     = (*Conn)(nil)
	_ driver.Pinger             = (*Conn)(nil)
	_ driver.NamedValueChecker  = (*Conn)(nil)
	_ driver.SessionResetter    = (*Conn)(nil)
	_ driver.Validator          = (*Conn)(nil)
)

// Conn is one connection, as sql.Conn.Raw gives it. It answers from the cache what it may; everything else goes down the
// chain: sqlmw's connection with our interceptor, then pgx's. Like every driver.Conn it is used by one goroutine at a time.
type Conn struct {
	cache *cache
	chain chain
	watch *watch
	inner *inner

	// identity is what the session is known to be; nil when that has to be read back from the server.
	identity *identity
	// settings are the values of the settings that statements need, when the identity is known.
	settings settings
	// pooled is set when a pooler stands before the server: see session.
	pooled bool
	// schemaAtDial is the count of schema changes before the session was dialled, and schemaOfPlans that of those that the first plans
	// made in it take in.
	schemaAtDial, schemaOfPlans uint64
	// foreignPlans grows when a statement may have been planned while the session was another than it is otherwise: all earlier plans
	// count as another session's then. See planned.
	foreignPlans uint64
	// planned is the state in which statements were prepared that pgx keeps, and replanned counts the fills since all of those were given
	// up. holdsForeign is set once the session was found to have prepared statements of somebody else's, which have to stay.
	planned      planned
	replanned    int
	holdsForeign bool
	// early are the statements that may have been planned before anything was known of them.
	early earlyPlans
	// reticent is set once the session looks for names in its temporary schema. To ask it anything would make that schema, and
	// a transaction that makes it itself is another one: it can't be prepared for commit in two phases.
	reticent bool
	// restricted is the session that can only read, if this one can: see readOnly.
	restricted *stdlib.Conn
	// changed is set once the session may differ from one that was just dialled.
	changed bool
	// escaped is set while pgx's connection is in the hands of the caller.
	escaped bool
	// prepared counts the statements prepared on the session, by text: pgx runs a query with the same text as the
	// prepared one.
	prepared map[string]int
	recent   recentTexts
	lane     lane
	// owns is closed with the connection: see Driver.Open.
	owns *Connector
}

// chain is what sqlmw's connection can do.
type chain interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

func newConn(c *cache) *Conn {
	conn := &Conn{cache: c, lane: nextLane()}
	conn.inner = &inner{pgx: c.pgx, beforeDial: func() { conn.schemaAtDial = c.schema.Load() }, afterDial: func() { conn.begin() }}
	conn.watch = &watch{conn: conn, open: openWrite{cache: c}}
	wrapped, _ := sqlmw.Driver(given{conn.inner}, conn.watch).Open("") // given never fails
	conn.chain = wrapped.(chain)
	return conn
}

// begin is called when a session was dialled.
func (c *Conn) begin() {
	c.identity, c.changed, c.prepared, c.planned = nil, false, nil, planned{}
	c.reticent, c.holdsForeign, c.replanned, c.early = false, false, 0, earlyPlans{}
	c.schemaOfPlans = c.cache.era()
	c.cache.followFrom(c.inner.std.Conn())
}

// given is the driver that sqlmw asks for the connection to wrap.
type given struct{ inner *inner }

func (g given) Open(string) (driver.Conn, error) { return g.inner, nil }

// PgxConn gives the pgx connection behind what sql.Conn.Raw passes to its function, dialling it if need be. It works for
// connections of this driver and of pgx's own. What is done with it is not seen, so until database/sql uses the connection
// again or takes it back everything counts as being written, and nothing is answered from the cache.
func PgxConn(driverConn any) (*pgx.Conn, bool) {
	switch c := driverConn.(type) {
	case *Conn:
		conn := c.Conn()
		return conn, conn != nil
	case *stdlib.Conn:
		return c.Conn(), true
	default:
		return nil, false
	}
}

// Conn gives the pgx connection, dialling it if need be; nil when that fails. See [PgxConn].
func (c *Conn) Conn() *pgx.Conn {
	if c.inner.busy() && !c.inner.fill.finishReading() {
		return nil // pgx's connection can't be handed out while a fill reads from it
	}
	std, err := c.inner.conn(context.Background())
	if err != nil {
		return nil
	}
	if c.escaped {
		return std.Conn() // and has not come back
	}
	c.escaped = true
	c.cache.escaped.Add(1)
	c.watch.open.pid = c.serverPID()
	c.watch.open.begin(context.Background(), nil, true)
	c.watch.open.schema = true // and not alter: nothing is answered from the cache or shared meanwhile
	return std.Conn()
}

// comeBack takes the connection back from a caller who had it from Conn.
func (c *Conn) comeBack() {
	if !c.escaped {
		return
	}
	c.escaped = false
	c.foreignPlans++
	c.watch.after(context.Background(), effect{session: true, ends: true}, nil)
	c.cache.escaped.Add(-1) // what was written is marked by now
}

// QueryContext implements driver.QueryerContext.
func (c *Conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.query(ctx, c.text(query), args, nil)
}

// ExecContext implements driver.ExecerContext.
func (c *Conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if t := c.text(query); t.command != nil {
		if _, err := c.run(ctx, t.command, args); err != nil {
			return nil, err
		}
		return driver.RowsAffected(0), nil
	}
	return c.chain.ExecContext(ctx, query, args)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *Conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	t := c.text(query)
	if t.command != nil {
		return &Stmt{conn: c, text: t}, nil
	}
	s := &Stmt{conn: c, text: t}
	return s, s.prepare(ctx)
}

// Prepare implements driver.Conn.
func (c *Conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// BeginTx implements driver.ConnBeginTx.
func (c *Conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.comeBack()
	if err := c.meet(ctx); err != nil {
		return nil, err
	}
	return c.chain.BeginTx(ctx, opts)
}

// Begin implements driver.Conn.
func (c *Conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// Ping implements driver.Pinger. It asks the server, and so dials.
func (c *Conn) Ping(ctx context.Context) error {
	c.comeBack()
	return c.chain.Ping(ctx)
}

// CheckNamedValue implements driver.NamedValueChecker. Like pgx's it takes every value as it is.
func (c *Conn) CheckNamedValue(*driver.NamedValue) error { return nil }

// ResetSession implements driver.SessionResetter. A connection with an open transaction is discarded, as by pgx. Whether
// the server is still there is asked later, when something is sent to it.
func (c *Conn) ResetSession(ctx context.Context) error {
	c.comeBack()
	if c.inner.lost() {
		c.drop()
	}
	if c.inner.dead || !c.inner.idle() {
		return driver.ErrBadConn
	}
	c.inner.rested = true
	if c.cache.resets && c.inner.std != nil {
		// The caller's hook makes the session what it is, so it has to run before anything is answered.
		c.forget()
		return c.inner.wake(ctx)
	}
	return nil
}

// IsValid implements driver.Validator. database/sql calls it when the connection goes back to the pool.
func (c *Conn) IsValid() bool {
	c.comeBack()
	return !c.inner.dead
}

// drop lets a dead connection go. The next statement that needs one dials.
func (c *Conn) drop() {
	_ = c.inner.Close() // it is closed already
	c.identity, c.changed = nil, false
	c.prepared = nil
}

// forget makes the session's state be read back before the next answer.
func (c *Conn) forget() { c.identity, c.changed = nil, true }

// Close implements driver.Conn. What the session wrote in a transaction that is still open is rolled back by that.
func (c *Conn) Close() error {
	c.comeBack()
	if c.inner.busy() {
		c.inner.fill.recording.Leave()
		c.inner.fill.give()
	}
	err := c.chain.Close()
	c.watch.open.end(context.Background())
	if c.owns != nil {
		_ = c.owns.Close()
	}
	return err
}
