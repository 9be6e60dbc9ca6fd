package server

import (
	"sync/atomic"
	"time"
)

// Outage is the time in which a sink has no stream to believe in: it begins before the sink is told of the loss, and ends once
// the sink was told of the next start. So who has heard of a loss finds the feed behind, whatever the stream's parts have come to.
// The zero value is one that has not begun. It is safe for concurrent use.
type Outage struct {
	since atomic.Pointer[time.Time]
}

// Begin begins it, unless it lasts already.
func (o *Outage) Begin() { o.since.CompareAndSwap(nil, new(time.Now())) }

// End ends it.
func (o *Outage) End() { o.since.Store(nil) }

// Lasts is for how long it has lasted, and whether it does.
func (o *Outage) Lasts() (time.Duration, bool) {
	since := o.since.Load()
	if since == nil {
		return 0, false
	}
	return time.Since(*since), true
}
