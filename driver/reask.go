package driver

import (
	"context"
	"time"
)

// rest is how long a background task that failed waits before the next may try. Whoever could not be reached just now will
// not be reached by asking a thousand times a second.
const rest = time.Second

// pause waits for as long as rest, or until the connector is closed.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(rest):
	}
}

// askAgain has an old answer of the catalog replaced in the background, with all others that are due, over one connection.
// Whoever noticed uses the old one meanwhile.
func (c *cache) askAgain(a *answer) {
	a.wanted.Store(true)
	if !c.reasking.CompareAndSwap(false, true) {
		return
	}
	if !c.background.run(func(ctx context.Context) { defer c.reasking.Store(false); c.replaceAnswers(ctx) }) {
		c.reasking.Store(false)
	}
}

// replaceAnswers asks for all answers that are due and that a session can give that was just dialled. The others are used
// as they are until their own sessions ask: see Conn.learn.
func (c *cache) replaceAnswers(ctx context.Context) {
	conn := newConn(c)
	defer func() { _ = conn.Close() }()
	if _, err := conn.introduce(ctx); err != nil {
		pause(ctx) // nothing to be had now; the next who uses one tries again
		return
	}
	for _, a := range c.answers.overdue(c.schema.Load()) {
		if ctx.Err() != nil || conn.inner.lost() {
			return
		}
		if a.question.identity == conn.identity {
			_, _ = conn.askServer(ctx, a.text)
		}
	}
}
