package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// resultFormats are the formats in which pgx's stdlib asks for results: binary for the types that have a Go value of their
// own, text for the rest. A recorded result must be in the same ones to replay the same values.
var resultFormats = pgx.QueryResultFormatsByOID{
	pgtype.BoolOID: 1, pgtype.ByteaOID: 1, pgtype.CIDOID: 1, pgtype.DateOID: 1, pgtype.Float4OID: 1, pgtype.Float8OID: 1,
	pgtype.Int2OID: 1, pgtype.Int4OID: 1, pgtype.Int8OID: 1, pgtype.OIDOID: 1, pgtype.TimestampOID: 1,
	pgtype.TimestamptzOID: 1, pgtype.XIDOID: 1,
}

// fill runs a query to make an entry, on the connection of the caller who set it off.
//
// It moves in steps: the first sends the query and reads the first row, each later one reads some rows more. While nobody
// else wants the result the caller takes the steps itself as it reads, and a miss costs no goroutine. Once somebody waits
// for the result a goroutine takes them (see run): then the fill goes at the server's pace, and goes on when the caller leaves.
// So it is from the start where the caller may leave at any moment because its context can end, unless the statement is known
// to be quick: see attend.
type fill struct {
	conn      *Conn
	caller    context.Context
	cache     *cache
	chain     driver.QueryerContext
	request   request
	flight    *flight
	recording rowset.Recording
	ctx       fillContext
	started   time.Time
	anew      bool // the query has to be planned once more

	// attended is set when the caller takes the steps, as long as nobody waits: see attend.
	attended   bool
	attention  attention
	unattended func() bool

	// tracking is set when the result is judged against a feed; then ahead is what is prepared on the session for that,
	// and prepared tells whether the caller has prepared the query there.
	tracking *freshness.Fill
	inner    *inner
	ahead    *ahead
	prepared bool

	stepping sync.Mutex  // held by who takes steps
	rows     resultRows  // nil before the first step
	sent     atomic.Bool // the query has been sent, with its arguments as they were

	done chan struct{} // closed when the connection is free again
	err  error         // how the result ended; read after done

	mu    sync.Mutex
	std   *stdlib.Conn
	given bool // the connection is the fill's, to close at the end
	over  bool
}

// lead sends the query on the caller's own connection, and gives rows that the caller reads while they are recorded.
func (c *Conn) lead(ctx context.Context, r *request, fl *flight) (driver.Rows, error) {
	f, err := c.takeOff(ctx, r, fl)
	if err != nil {
		fl.decide(nil)
		fl.land(tryAgain, nil, err)
		return nil, err
	}
	r.result = ResultMiss
	c.cache.stats.misses.Add(1)
	r.text.tally.misses.Add(1)
	if f.attended {
		f.Pull()
	} else {
		go f.run()
	}
	if err := f.recording.Started(ctx); err != nil {
		return nil, f.failed()
	}
	rows := f.recording.Rows(ctx, f)
	rows.UseTypeMap(f.std.Conn().TypeMap())
	return rows, nil
}

// failed gives the error of a fill that did not come to its first row, or whose caller's context ended before.
func (f *fill) failed() error {
	if ended := f.caller.Err(); ended != nil {
		// The result may have come well to its end at that very moment; the caller does not get it all the same.
		return f.Leave(ended)
	}
	<-f.done
	return f.err
}

// errOtherSession means that the session that was dialled for a fill is not what it was taken for.
var errOtherSession = errors.New("pgcache: the session is another than was thought")

// takeOff starts the fill.
func (c *Conn) takeOff(ctx context.Context, r *request, fl *flight) (*fill, error) {
	if r.stmt != nil {
		if err := r.stmt.ready(ctx); err != nil {
			return nil, err
		}
	}
	std, err := c.inner.conn(ctx)
	if err != nil {
		return nil, err
	}
	if id, err := c.identify(ctx); err != nil {
		return nil, err
	} else if id != r.verdict.identity || !c.settings.agree(r.settings, r.verdict.settings) {
		return nil, errOtherSession
	}
	if r.stmt != nil {
		if err := r.stmt.renew(ctx); err != nil {
			return nil, err
		}
	}
	replan, err := c.replan(ctx, std.Conn(), r)
	if err != nil {
		return nil, err
	}
	f := &fill{
		conn: c, caller: ctx, cache: c.cache, chain: c.chain, request: *r, flight: fl, std: std, anew: replan, done: make(chan struct{}),
	}
	f.recording.Limit = c.cache.limit(r.verdict.rule)
	if tr := r.verdict.track; tr != nil {
		f.tracking, f.inner, f.prepared = tr.tracker.Begin(), c.inner, c.prepared[r.text.sql] > 0
		f.ahead = &c.inner.ahead
	}
	f.ctx.carry(ctx, f)
	f.attend()
	c.inner.fill = f
	fl.fly(f)
	return f, nil
}

// limit is how large a result may be to be kept.
func (c *cache) limit(rule *dsn.Rule) rowset.Limit {
	limit := rowset.Limit{Bytes: c.config.MaxEntry, Rows: rule.MaxRows}
	if rule.MaxBytes > 0 && rule.MaxBytes < limit.Bytes {
		limit.Bytes = rule.MaxBytes
	}
	return limit
}

// run takes all the steps that are left.
func (f *fill) run() {
	f.stepping.Lock()
	defer f.stepping.Unlock()
	for !f.finished() {
		f.step()
	}
}

// Pull takes one step in the caller's goroutine, unless somebody else is at it.
func (f *fill) Pull() bool {
	if !f.stepping.TryLock() {
		return false
	}
	defer f.stepping.Unlock()
	if f.finished() {
		return true
	}
	if !f.attention.pay() {
		return false
	}
	defer f.attention.cease()
	f.step()
	return true
}

// batch is how many bytes a step reads, about: as much as a server sends at a time.
const batch = 8 << 10

// errGone is the error of a step whose goroutine was ended by something that the caller hooks into pgx.
var errGone = errors.New("pgcache: the goroutine that read a result was ended")

// step takes one step and ends the fill if there is nothing left to do, or something goes wrong.
func (f *fill) step() {
	more, err := false, errGone
	defer func() {
		if p := recover(); p != nil {
			more, err = false, fmt.Errorf("pgcache: panic while reading a result: %v\n%s", p, debug.Stack())
		}
		if !more {
			f.finish(err)
		}
	}()
	if f.rows == nil {
		more, err = f.begin()
	} else {
		more, err = f.next(batch)
	}
}

// begin sends the query down the chain and reads the first row.
func (f *fill) begin() (more bool, err error) {
	f.started = time.Now()
	if _, err := f.chain.QueryContext(&f.ctx, f.request.text.sql, f.request.args); err != nil {
		return false, err
	}
	more = f.rows.Next()
	if err := f.rows.Err(); err != nil {
		f.rows.Close()
		return false, err
	}
	layout, err := f.layout()
	if err != nil {
		f.rows.Close()
		return false, err
	}
	f.recording.Begin(layout)
	return more && f.add(), nil
}

// layout describes the result. All results of one statement share what they have in common.
func (f *fill) layout() (*rowset.Layout, error) {
	fields, types := f.rows.FieldDescriptions(), f.std.Conn().TypeMap()
	if known := f.request.verdict.layout.Load(); known.Fits(fields, types) {
		return known, nil
	}
	layout, err := rowset.NewLayout(fields, types)
	if err == nil {
		f.request.verdict.layout.Store(layout)
	}
	return layout, err
}

// next reads about size bytes of rows.
func (f *fill) next(size int) (more bool, err error) {
	for size > 0 {
		if !f.rows.Next() {
			return false, f.rows.Err()
		}
		if !f.add() {
			return false, f.rows.Err()
		}
		size -= rowset.RowSize(f.rows.RawValues())
	}
	return true, nil
}

// add records the row at hand. It reports false, having read the rest, when nobody wants it.
func (f *fill) add() bool {
	kept, wanted := f.recording.Append(f.rows.RawValues())
	if !kept {
		f.flight.land(goAlone, nil, nil)
	}
	if !wanted {
		f.rows.Close()
	}
	return wanted
}

// ask sends the query. It is the end of the chain for a fill, and does what stdlib's QueryContext does.
func (f *fill) ask(query string, named []driver.NamedValue) (driver.Rows, error) {
	conn := f.std.Conn()
	if conn.IsClosed() {
		return nil, driver.ErrBadConn
	}
	args := make([]any, 1+len(named))
	args[0] = resultFormats
	for i, n := range named {
		args[i+1] = n.Value
	}
	var ctx context.Context = &f.ctx
	if f.ctx.ended == nil {
		ctx = f.ctx.Context // pgx need not watch a context that can't end
	}
	if f.anew {
		args = anew(args)
	}
	rows, err := f.send(ctx, conn, query, args)
	if err != nil {
		if pgconn.SafeToRetry(err) || errors.Is(err, errNotSent) {
			return nil, driver.ErrBadConn
		}
		return nil, err
	}
	f.rows = rows
	f.sent.Store(true)
	return unread{}, nil
}

// send sends the query, with the question about the snapshot ahead of it where the answer will be judged by that.
func (f *fill) send(ctx context.Context, conn *pgx.Conn, query string, args []any) (resultRows, error) {
	if f.tracking != nil {
		return f.askAhead(ctx, conn, query, args[1:])
	}
	return conn.Query(ctx, query, args...)
}

// unread stands for rows that are read elsewhere. sqlmw wraps it and nobody looks at it.
type unread struct{ driver.Rows }

// finish keeps the result if it may be kept, and tells everybody how it ended. The entry is in the store before the caller
// sees the last row, so that its next query finds it; and observers have been told.
func (f *fill) finish(err error) {
	f.err = err
	f.unattend()
	f.cache.stats.fills.Add(1)
	var rows, bytes int
	if err != nil {
		f.cache.stats.fillErrors.Add(1)
		f.untracked()
		f.flight.land(f.verdictOn(err), nil, err)
	} else if set := f.recording.Set(); set != nil {
		rows, bytes = set.Len(), set.Size()
		f.flight.land(served, f.keep(set), nil)
	} else {
		f.untracked()
		f.flight.land(goAlone, nil, nil)
	}
	f.cache.observers.filled(f, rows, bytes)
	f.recording.End(err)
	f.mu.Lock()
	f.over = true
	given := f.given
	f.mu.Unlock()
	if given {
		_ = f.std.Close()
	}
	close(f.done)
}

// keep puts the result into the store, unless something changed while it was read.
func (f *fill) keep(set *rowset.Set) *cachestore.Entry {
	v := f.request.verdict
	rule := v.rule
	entry := cachestore.NewEntry(cachestore.Content{
		Statement: v.statement, Arguments: string(f.request.arguments.bytes()), Rows: set,
		Position: f.position(), Tags: f.request.tags(),
		ReadAt: f.started, Cost: time.Since(f.started),
		Keep: rule.TTL + max(rule.Stale, rule.StaleIfError),
	})
	switch {
	case set.Len() == 0 && rule.Empty == dsn.EmptySkip:
		f.untracked()
	case f.tracking != nil:
		reads := freshness.Reads{Tables: v.tags, Tags: f.request.tags(), Since: v.since, After: v.answer.after}
		f.tracking.Admit(reads, func(admitted bool) { f.store(entry, admitted && v.current(f.cache)) })
	case f.request.byMark:
		f.store(entry, f.request.quiet && f.cache.ledger.Admit(f.request.tags(), f.flight.position))
	default:
		f.store(entry, f.cache.ledger.Admit(f.request.tags(), f.flight.position))
	}
	return entry
}

// position is where the result stands in the order of changes by which it will be judged.
func (f *fill) position() uint64 {
	switch {
	case f.tracking != nil:
		return f.tracking.Position()
	case f.request.byMark:
		return f.request.mark
	default:
		return f.flight.position
	}
}

// untracked says that the result will not be kept.
func (f *fill) untracked() {
	f.flight.decide(nil)
	if f.tracking != nil {
		f.tracking.End()
	}
}

// store puts an entry into the store if it was admitted.
func (f *fill) store(entry *cachestore.Entry, admitted bool) {
	if !admitted {
		f.cache.stats.rejectedFills.Add(1)
		f.flight.decide(nil)
		return
	}
	f.cache.putNear(f.ctx.Context, f.flight.key, entry)
	f.flight.decide(entry)
	f.request.text.tally.bytes.Add(int64(entry.Rows().Size()))
}

// finished tells whether the connection is free again.
func (f *fill) finished() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}
