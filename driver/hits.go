package driver

import (
	"sync/atomic"
	"time"
)

// hits counts hits and what they saved, which many connections do at once: each in a lane, so that two of them seldom write to
// the same line of memory. With two processors, one count for all took a tenth of their hits. The zero value is ready and safe
// for concurrent use.
type hits [lanes]struct {
	count atomic.Int64
	saved atomic.Int64 // nanoseconds
	_     [48]byte     // the rest of the line
}

const lanes = 16

// lane is what a connection counts in.
type lane uint32

var lastLane atomic.Uint32

func nextLane() lane { return lane(lastLane.Add(1)) % lanes }

func (h *hits) add(l lane, saved time.Duration) {
	h[l].count.Add(1)
	h[l].saved.Add(int64(saved))
}

// total sums up. It may be asked of nil.
func (h *hits) total() (count int64, saved time.Duration) {
	if h == nil {
		return 0, 0
	}
	for i := range h {
		count += h[i].count.Load()
		saved += time.Duration(h[i].saved.Load())
	}
	return count, saved
}
