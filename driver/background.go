package driver

import (
	"context"
	"sync"
)

// background is what runs until the connector is closed, whoever set it off.
type background struct {
	// ctx ends when the connector is closed.
	ctx   context.Context
	stop  context.CancelFunc
	tasks sync.WaitGroup
	// mu orders the start of tasks against the end.
	mu sync.Mutex
}

func (b *background) begin() { b.ctx, b.stop = context.WithCancel(context.Background()) }

// run runs a task until it returns, or the connector is closed and its context ends. It reports false when the connector is closed
// already.
func (b *background) run(task func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.tasks.Go(func() { task(b.ctx) })
	return true
}

// end ends the context of all tasks. No more begin.
func (b *background) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stop()
}

// wait waits for the tasks to return.
func (b *background) wait() { b.tasks.Wait() }
