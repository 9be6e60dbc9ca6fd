package wal

import (
	"testing"
	"time"
)

// rested tells whether a read was held up.
func rested(p *pace) bool {
	before := p.timer
	p.rest()
	return before == nil && p.timer != nil
}

func TestPace(t *testing.T) {
	many := func() *pace {
		p := newPace()
		p.since = time.Now().Add(-paceWindow)
		for range manyCommits {
			p.commit()
		}
		return p
	}
	if rested(newPace()) {
		t.Error("rests while nothing happens")
	}
	if !rested(many()) {
		t.Error("does not rest while there are many commits")
	}
	p := many()
	p.hurry()
	if rested(p) {
		t.Error("rests while somebody waits")
	}
	p = many()
	p.since = time.Now().Add(-10 * paceWindow)
	if rested(p) {
		t.Error("rests although the commits took long to come")
	}
}

// Who begins to wait during a pause ends it.
func TestHurryEndsAPause(t *testing.T) {
	p := newPace()
	p.pausing, p.many, p.since = time.Hour, true, time.Now().Add(time.Hour)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.rest()
	}()
	p.hurry()
	<-done
}
