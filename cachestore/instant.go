package cachestore

import "time"

// Instant is a moment of this process, by the monotonic clock: what was set on the machine's clock meanwhile doesn't matter to it.
// A hit looks at the clock once, and an Instant takes half as long to get as a time.Time and next to nothing to count with.
type Instant time.Duration // since epoch

// epoch is the moment that instants are counted from.
var epoch = time.Now()

// earliest is before anything that is read. What says it was read earlier, as the zero time does, was read then: so no age
// overflows.
const earliest Instant = -1 << 62

// Now is the present moment.
func Now() Instant { return Instant(time.Since(epoch)) }

// InstantOf is the moment of a time, which may be any. It is exact for one that has a reading of the monotonic clock.
func InstantOf(t time.Time) Instant { return max(Instant(t.Sub(epoch)), earliest) }

// Sub is how long after another moment this one is.
func (i Instant) Sub(other Instant) time.Duration { return time.Duration(i - other) }

// time is the moment as a time.
func (i Instant) time() time.Time { return epoch.Add(time.Duration(i)) }
