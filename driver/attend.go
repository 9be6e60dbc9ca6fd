package driver

import (
	"context"
	"sync/atomic"
	"time"
)

// quick is how long the latest fills of a statement may have taken for the next one to be attended.
const quick = 5 * time.Millisecond

// attend decides whether the caller takes the fill's steps in its own goroutine. One whose context can end is stuck while it does:
// if the context ends in the middle of a step the query is given up, and those who wait for it ask again. So it does only where
// that loses them little, which is where the statement's latest fill was quick. A goroutine of its own would cost such a fill a
// good part of its time.
//
// Nor does it where other processes wait for the entry: a fill goes at the pace of its reader then.
func (f *fill) attend() {
	if f.flight.permit != nil {
		return
	}
	if f.ctx.ended == nil {
		f.attended = true
		return
	}
	latest := f.request.text.fillTime.Load()
	if latest == 0 || latest > int64(quick) {
		return
	}
	f.attended = true
	f.stopWatching = context.AfterFunc(f.caller, func() {
		if f.attention.contextEnded() {
			f.ctx.cancel(f.caller.Err())
		}
	})
}

// noteTime is called when the fill ends. It notes how long that took; one that failed, as it does when it is given up, counts as
// slow. A slow one counts for as long as it takes some quick ones to make up for it: the same text may be quick with some arguments
// and slow with others.
func (f *fill) noteTime() {
	if f.stopWatching != nil {
		f.stopWatching()
	}
	if f.ctx.ended == nil {
		return
	}
	took := f.spent
	if f.err != nil {
		took = max(took, 8*quick)
	}
	before := f.request.text.fillTime.Load()
	f.request.text.fillTime.Store(max(int64(took), before-before/8, 1))
}

// attention says whether the caller is in the middle of a step, and whether its context has ended.
type attention struct{ state atomic.Int32 }

const (
	between int32 = iota // two steps
	within               // one
	deaf                 // the context has ended
)

// beginStep reports false when the context has ended.
func (a *attention) beginStep() bool { return a.state.CompareAndSwap(between, within) }

func (a *attention) endStep() { a.state.CompareAndSwap(within, between) }

// contextEnded reports whether that is in the middle of a step.
func (a *attention) contextEnded() bool { return a.state.Swap(deaf) == within }
