package server

import (
	"sync"
	"time"
)

// maxMarks bounds what is remembered of where the server was.
const maxMarks = 64

// Lag tells how far the stream is behind: where the server was when, as far as the stream has not passed it.
type Lag struct {
	mu    sync.Mutex
	marks []mark
}

type mark struct {
	position uint64
	when     time.Time
}

// Expect notes that the server was at a position that the stream has not passed. When there are many marks the latest is
// moved on: the first is the one that counts.
func (l *Lag) Expect(position uint64, when time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.marks) == maxMarks {
		l.marks = l.marks[:maxMarks-1]
	}
	l.marks = append(l.marks, mark{position, when})
}

// Pass lets go of what the stream has passed.
func (l *Lag) Pass(position uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	passed := 0
	for passed < len(l.marks) && l.marks[passed].position <= position {
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
