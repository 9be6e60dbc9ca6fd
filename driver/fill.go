package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver/internal/ahead"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/rowset"
)

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
	attended     bool
	attention    attention
	stopWatching func() bool

	// admission is set when the result is judged against a feed; then ahead is what is prepared on the session for that,
	// and callerPrepared tells whether the caller has prepared the query there.
	admission      *freshness.Fill
	inner          *inner
	ahead          *ahead.Session
	callerPrepared bool

	stepping sync.Mutex  // held by who takes steps
	rows     ahead.Rows  // nil before the first step
	sent     atomic.Bool // the query has been sent, with its arguments as they were

	spent     time.Duration // in steps, and not by the caller between them
	large     bool          // the result is too large to be kept
	forgets   bool          // the session may be another than it was
	discarded bool          // it will not be kept

	done chan struct{} // closed when the connection is free again
	err  error         // how the result ended; read after done

	mu    sync.Mutex
	std   *stdlib.Conn
	given bool // the connection is the fill's, to close at the end
	over  bool
}

// lead sends the query on the caller's own connection, and gives rows that the caller reads while they are recorded. Once the query is
// on its way the request is a miss, to be counted unless it is answered otherwise in the end.
func (c *Conn) lead(ctx context.Context, r *request, fl *flight) (driver.Rows, error) {
	f, err := c.takeOff(ctx, r, fl)
	if err != nil {
		fl.decide(nil)
		fl.land(tryAgain, nil, err)
		return nil, err
	}
	r.result = ResultMiss
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

// errJudgeAgain means that the session that was dialled for a fill is not what it was taken for.
var errJudgeAgain = errors.New("pgcache: the session is another than was thought")

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
		return nil, errJudgeAgain
	}
	if r.stmt != nil {
		if err := r.stmt.renew(ctx, r.verdict.answer.since); err != nil {
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
	if fw := r.verdict.follower; fw != nil {
		f.admission, f.inner, f.callerPrepared = fw.tracker.Begin(), c.inner, c.prepared[r.text.sql] > 0
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
