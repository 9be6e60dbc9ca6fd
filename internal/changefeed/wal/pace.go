package wal

import (
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

const (
	// paceWindow is over what time commits are counted, and manyCommits how many in it are many.
	paceWindow  = 4 * time.Millisecond
	manyCommits = 4
	// pauses is how long the stream is left alone between two reads when there are many.
	pauses = 500 * time.Microsecond
	// hurrying is for how long nothing pauses after somebody had to wait.
	hurrying = 5 * time.Millisecond
)

// pace lets the stream rest a little between two reads while there are many commits. The server sends three messages for a small
// commit, and to wake up for each takes more of the processor than all that is done with them. The price is that much time until
// a commit is told, which nobody notices who does not wait for it: whoever does has it hurry.
//
// Its methods but hurry belong to the goroutine that reads the stream.
type pace struct {
	commits int // in this window
	since   time.Time
	many    bool // in the last window
	timer   *time.Timer
	pausing time.Duration

	hurried chan struct{} // has one element while somebody wants the pause to end
	until   atomic.Int64  // no pause before it, in Unix nanoseconds
}

func newPace() *pace { return &pace{pausing: pauses, hurried: make(chan struct{}, 1)} }

// commit counts a commit.
func (p *pace) commit() { p.commits++ }

// hurry ends a pause and lets none begin for a while.
func (p *pace) hurry() {
	p.until.Store(time.Now().Add(hurrying).UnixNano())
	server.Raise(p.hurried)
}

// rest is called before a read.
func (p *pace) rest() {
	now := time.Now()
	if passed := now.Sub(p.since); passed >= paceWindow {
		p.many = p.commits >= manyCommits*int(passed/paceWindow)
		p.commits, p.since = 0, now
	}
	if !p.many || now.UnixNano() < p.until.Load() {
		return
	}
	if p.timer == nil {
		p.timer = time.NewTimer(p.pausing)
	} else {
		p.timer.Reset(p.pausing)
	}
	select {
	case <-p.timer.C:
	case <-p.hurried:
		p.timer.Stop()
	}
}
