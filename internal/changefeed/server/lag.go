package server

import (
	"errors"
	"sync"
	"time"
)

// TooFarBehind is how old what the stream waits for may be. A stream that is further behind is lost: another one begins at the
// end of the WAL, however much there was in between, and what was read before is not believed any more.
const TooFarBehind = Patience

// ErrBehind is why a stream is lost that could not keep up with the server.
var ErrBehind = errors.New("pgcache: the change feed was too far behind the server")

// maxMarks bounds what is remembered of where the server was.
const maxMarks = 64

// Lag tells how far the stream is behind: where the server was when, as far as the stream has not passed it.
type Lag struct {
	mu     sync.Mutex
	passed uint64
	marks  []mark
	// upTo is a time: the stream has told all that was committed by then.
	upTo time.Time
}

type mark struct {
	position uint64
	when     time.Time
}

// Begin notes that the stream has nothing to tell of what was committed by a time.
func (l *Lag) Begin(when time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.upTo = when
}

// Expect notes that the server was at a position. When there are many that the stream has not passed the latest is moved on:
// the first is the one that counts.
func (l *Lag) Expect(position uint64, when time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case position <= l.passed:
		l.upTo = when
		return
	case len(l.marks) == maxMarks:
		l.marks = l.marks[:maxMarks-1]
	}
	l.marks = append(l.marks, mark{position, when})
}

// Pass lets go of what the stream has passed.
func (l *Lag) Pass(position uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed = max(l.passed, position)
	passed := 0
	for passed < len(l.marks) && l.marks[passed].position <= position {
		l.upTo = l.marks[passed].when
		passed++
	}
	l.marks = append(l.marks[:0], l.marks[passed:]...)
}

// Behind is the age of what the stream waits for.
func (l *Lag) Behind() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.marks) == 0 {
		return 0
	}
	return time.Since(l.marks[0].when)
}

// Unsure is for how long the stream may have missed something: since the last time up to which all is known to be told. It is
// never less than Behind, and grows too when the server doesn't say where it is.
func (l *Lag) Unsure() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.upTo)
}
