package relay

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
)

const (
	// beatEvery is how often a leader makes sure that it leads, and says so.
	beatEvery = 250 * time.Millisecond
	// heldFor is for how long a leader believes that it leads after it was sure.
	heldFor = time.Second
	// publishTimeout bounds one try to publish, and publishPatience how long all may fail before somebody else should try.
	publishTimeout  = time.Second
	publishPatience = 5 * time.Second
	// publishRetry is the wait between two tries.
	publishRetry = 20 * time.Millisecond
	// farewell bounds what a leader does to go in good order.
	farewell = 500 * time.Millisecond
)

var (
	// leash has the server end the session that holds the lock when it says nothing: the system of a process that was
	// stopped goes on to acknowledge what the server sends, so nothing else would.
	leash = server.Question{Name: "leash", SQL: `select set_config('idle_session_timeout', '2500ms', false)`}
	// term gives a number that is higher than any that was given before.
	termSQL = server.Question{Name: "term", SQL: `select pg_current_xact_id()`}
)

var (
	errNotHeld   = errors.New("pgcache: the relay's leader has lost its lock")
	errUnheard   = errors.New("pgcache: the relay's leader can't publish")
	errUnasked   = errors.New("pgcache: the relay's leader can't be asked")
	errGivenOver = errors.New("pgcache: the relay's leader gives over")
)

// leader is this process while it leads.
type leader struct {
	feed      *Feed
	line      *server.Line
	publisher *publisher
	wal       *wal.Feed
	// held is when it was last sure to hold the lock, in nanoseconds since begun.
	held  atomic.Int64
	begun time.Time
}

// lead leads, until it can't or the context ends. The lock is held by the line.
func (f *Feed) lead(ctx context.Context, line *server.Line) error {
	l := &leader{feed: f, line: line, begun: time.Now()}
	lead, err := l.take()
	if err != nil {
		return err
	}
	leading, resign := context.WithCancelCause(ctx)
	defer resign(nil)
	config := f.config.WAL
	l.publisher = &publisher{
		sink: config.Sink, interest: config.Interest, limit: f.config.Transport.Traits().Limit - headroom,
		resign: resign, due: make(chan struct{}, 1),
	}
	l.publisher.head.term.Lead = lead
	f.term.term = Term{Lead: lead, Stream: math.MaxUint64} // what comes late of this one is old, too, once it has ended
	config.Sink = l.publisher
	l.wal = wal.New(config)
	f.log.InfoContext(ctx, "pgcache: this process leads the relay of changes", "term", lead)
	f.role.Store(&role{leads: l})
	var others, publishing sync.WaitGroup
	others.Go(func() { resign(l.hold(leading)) })
	others.Go(func() { resign(l.listen(leading)) })
	publishing.Go(func() { resign(l.publish(leading)) })
	_ = l.wal.Run(leading)
	publishing.Wait()
	l.bid(context.WithoutCancel(ctx), context.Cause(leading))
	others.Wait()
	return context.Cause(leading)
}

// headroom is what a batch needs beside its messages.
const headroom = 256

// take makes the lock one that a process that was stopped loses, and gives the leadership its number.
func (l *leader) take() (lead uint64, err error) {
	if _, err := l.line.Ask(leash); err != nil {
		return 0, err
	}
	row, err := l.line.Ask(termSQL)
	if err != nil {
		return 0, err
	}
	l.sure()
	return lead, server.Numbers(row, &lead)
}

func (l *leader) sure() { l.held.Store(int64(time.Since(l.begun))) }

// holds tells whether this process still leads, as far as it can know.
func (l *leader) holds() bool { return time.Since(l.begun)-time.Duration(l.held.Load()) < heldFor }

// hold makes sure of the lock until it is lost.
func (l *leader) hold(ctx context.Context) error {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if _, err := l.line.Ask(server.Insert); err != nil {
			return fmt.Errorf("%w: %w", errNotHeld, err)
		}
		l.sure()
	}
}

// listen takes what followers ask.
func (l *leader) listen(ctx context.Context) error {
	var failing time.Time // since when, if it is
	for {
		begun := time.Now()
		err := l.feed.config.Transport.Listen(ctx, l.hear)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		l.feed.log.DebugContext(ctx, "pgcache: the relay's leader can't be asked", "error", err)
		if failing.IsZero() || time.Since(begun) > publishTimeout {
			failing = time.Now()
		}
		if time.Since(failing) > publishPatience {
			return fmt.Errorf("%w: %w", errUnasked, err)
		}
		pause(ctx, publishRetry)
	}
}

// hear takes one request. What a follower waits for the leader's own feed hurries to pass.
func (l *leader) hear(request []byte) {
	if position := l.publisher.take(request); position > 0 {
		l.wal.Position(position)
	}
}

// publish publishes what is told, until it can't.
func (l *leader) publish(ctx context.Context) error {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	spacing := l.feed.config.Transport.Traits().Spacing
	beat := false
	for {
		for {
			data, sent := l.publisher.next(beat)
			if data == nil {
				break
			}
			if err := l.send(ctx, data); err != nil {
				return err
			}
			sent()
			beat = false
			pause(ctx, spacing)
			if !l.publisher.waiting() {
				break
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.publisher.due:
		case <-ticker.C:
			beat = true
		}
	}
}

// send publishes one batch, however often that takes, as long as this process leads for sure. A batch that is given twice is
// taken once.
func (l *leader) send(ctx context.Context, data []byte) error {
	begun := time.Now()
	for {
		err := errNotHeld
		if l.holds() {
			trying, cancel := context.WithTimeout(ctx, publishTimeout)
			err = l.feed.config.Transport.Publish(trying, data)
			cancel()
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(begun) > publishPatience:
			return fmt.Errorf("%w: %w", errUnheard, err)
		}
		pause(ctx, publishRetry)
	}
}

// bid bids farewell, so that nobody need wait until the silence is noticed: unless the lock was lost, for then it may be
// another's time to speak.
func (l *leader) bid(ctx context.Context, cause error) {
	if errors.Is(cause, errNotHeld) || errors.Is(cause, errUnheard) || !l.holds() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	if data, _ := l.publisher.next(false); data != nil {
		_ = l.feed.config.Transport.Publish(ctx, data)
	}
}

// pause waits.
func pause(ctx context.Context, wait time.Duration) {
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
