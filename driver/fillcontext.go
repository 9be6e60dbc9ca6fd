package driver

import (
	"context"
	"sync"
)

// fillContext is the context of a fill: it carries the caller's values but not its end, and ends with the error that it is
// given. The inner connection knows a fill by it.
type fillContext struct {
	context.Context

	fill  *fill
	ended chan struct{} // nil if the fill can't be cancelled
	mu    sync.Mutex
	err   error
}

// carry makes it the context of a fill that a caller with this context sets off.
func (fc *fillContext) carry(caller context.Context, f *fill) {
	fc.Context, fc.fill = context.WithoutCancel(caller), f
	if caller.Done() != nil {
		fc.ended = make(chan struct{})
	}
}

func (fc *fillContext) Done() <-chan struct{} { return fc.ended }

func (fc *fillContext) Err() error {
	fc.mu.Lock()
	defer fc.mu.Unlock()
	return fc.err
}

func (fc *fillContext) cancel(err error) {
	fc.mu.Lock()
	defer fc.mu.Unlock()
	if fc.err == nil && fc.ended != nil {
		fc.err = err
		close(fc.ended)
	}
}
