package driver

import (
	"database/sql/driver"
	"errors"

	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// Leave is called when the caller who set the fill off wants no more rows; ended is the end of its context, if that is why: then
// it is an error whatever becomes of the result. Without it the rest is read first, so that the result is whole. Where the
// caller's context has ended and others wait, the fill keeps the connection and goes on for them.
func (f *fill) Leave(ended error) error {
	f.recording.Leave()
	err := ended
	if err == nil {
		err = f.readOn()
	}
	if f.finished() {
		return f.endFor(ended)
	}
	if f.flight.abandon() || !f.sent.Load() && !argument.Constant(f.request.args) {
		// Nobody else wants it; or what would be sent is what the caller makes of its arguments after this.
		f.ctx.cancel(err)
		f.end()
		return f.endFor(err)
	}
	f.give()
	return err
}

// endFor gives the error of a fill that has ended, for a caller who left over ended. That the connection is no good any more may be
// because of that.
func (f *fill) endFor(ended error) error {
	if f.err == nil || ended != nil && errors.Is(f.err, driver.ErrBadConn) {
		return ended
	}
	return f.err
}

// end waits for the end of a fill that has been cancelled.
func (f *fill) end() {
	if f.attended {
		f.run() // nobody else may be at it
	}
	<-f.done
}

// readOn reads a result to its end, as pgx does too when rows are closed early. It gives up with the context's error.
func (f *fill) readOn() error {
	for f.attended {
		if f.finished() {
			return nil
		}
		if !f.Pull() {
			break
		}
	}
	select { // a goroutine is at it
	case <-f.done:
		return nil
	case <-f.caller.Done():
		return f.caller.Err()
	}
}

// finishReading reads the rest for a caller who wants the connection while its rows are open, and reports whether it is free then. That
// of a result that is too large to be kept is not until the rows are closed.
func (f *fill) finishReading() bool {
	for !f.flight.isOver() {
		if f.Pull() {
			continue
		}
		if f.caller.Err() != nil {
			return false // then nobody may be at it
		}
		select {
		case <-f.flight.landing():
		case <-f.caller.Done():
			return false
		}
	}
	if f.flight.outcome == goAlone {
		return false
	}
	<-f.done
	return true
}

// give leaves the connection to the fill. The caller's is dead then, as one is over which pgx cancelled a query: whatever the
// session held, locks and all, is not in another.
func (f *fill) give() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.given = true
	go f.run()
	f.conn.inner.fill, f.conn.inner.std = nil, nil
	f.conn.inner.dead = true
}
