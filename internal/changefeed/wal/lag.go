package wal

import (
	"sync"
	"time"
)

// maxMarks bounds what is remembered of where the server was.
const maxMarks = 64

// lag tells how far the stream is behind: where the server was when, as far as the stream has not passed it.
type lag struct {
	mu    sync.Mutex
	marks []mark
}

type mark struct {
	position uint64
	when     time.Time
}

// expect notes that the server was at a position that the stream has not passed. When there are many marks the latest is
// moved on: the first is the one that counts.
func (l *lag) expect(position uint64, when time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.marks) == maxMarks {
		l.marks = l.marks[:maxMarks-1]
	}
	l.marks = append(l.marks, mark{position, when})
}

// pass lets go of what the stream has passed.
func (l *lag) pass(position uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	passed := 0
	for passed < len(l.marks) && l.marks[passed].position <= position {
		passed++
	}
	l.marks = append(l.marks[:0], l.marks[passed:]...)
}

// behind is the age of what the stream waits for.
func (l *lag) behind() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.marks) == 0 {
		return 0
	}
	return time.Since(l.marks[0].when)
}

// Lag implements changefeed.Feed: since when there is something that the feed has not told, looked at once a second. While
// there is no stream that is since it broke.
func (f *Feed) Lag() time.Duration {
	if s := f.stream.Load(); s != nil {
		return s.progress.behind()
	}
	return time.Since(*f.down.Load())
}
