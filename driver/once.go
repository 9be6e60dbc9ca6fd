package driver

import (
	"context"
	"errors"
	"sync"
)

// calls are the questions under way that others may wait for. The zero value is ready and safe for concurrent use.
type calls struct {
	mu    sync.Mutex
	byKey map[string]*call
}

// errNoAnswer is what is left of a question whose asker panicked.
var errNoAnswer = errors.New("pgcache: a question was not answered")

type call struct {
	done  chan struct{}
	value any
	err   error
}

// once runs ask for one of those who have the same question at the same time, in that one's own goroutine and under its own
// context. The others wait for the answer. If there is none they ask themselves, since the reason may be the first one's
// own: a context that ended, a connection that broke.
func once[T any](ctx context.Context, cs *calls, key string, ask func() (T, error)) (T, error) {
	cs.mu.Lock()
	c, taken := cs.byKey[key]
	if !taken {
		c = &call{done: make(chan struct{})}
		if cs.byKey == nil {
			cs.byKey = make(map[string]*call)
		}
		cs.byKey[key] = c
	}
	cs.mu.Unlock()
	if !taken {
		return answerAll(cs, key, c, ask)
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	if c.err != nil {
		return ask()
	}
	return c.value.(T), nil
}

// answerAll asks and lets go of those who wait, even if ask panics.
func answerAll[T any](cs *calls, key string, c *call, ask func() (T, error)) (T, error) {
	c.err = errNoAnswer
	defer func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		delete(cs.byKey, key)
		close(c.done)
	}()
	value, err := ask()
	c.value, c.err = value, err
	return value, err
}
