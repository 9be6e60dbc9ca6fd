package driver

import "context"

// leave is called when the caller who set the fill off wants no more rows; err is the end of its context, if that is why.
// Where the caller's context has ended and others wait, the fill keeps the connection and goes on for them.
func (f *fill) leave(ctx context.Context, c *Conn, err error) error {
	f.recording.Leave()
	if err == nil {
		err = f.readOn(ctx)
	}
	if f.finished() {
		return f.err
	}
	if f.flight.abandon() {
		f.ctx.cancel(err)
		<-f.done
		if f.err == nil {
			return err
		}
		return f.err
	}
	f.give(c)
	return err
}

// readOn reads a result to its end, as pgx does too when rows are closed early. It gives up with the context's error.
func (f *fill) readOn(ctx context.Context) error {
	if f.ctx.ended == nil {
		f.run()
		return nil
	}
	select { // the goroutine is at it
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// give leaves the connection to the fill. The caller's is dead then, as one is over which pgx cancelled a query: whatever the
// session held, locks and all, is not in another.
func (f *fill) give(c *Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return
	}
	f.given = true
	go f.run()
	c.inner.fill, c.inner.std = nil, nil
	c.inner.dead = true
}
