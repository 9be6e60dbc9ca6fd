package server

import (
	"testing"
	"time"
)

func TestLag(t *testing.T) {
	var l Lag
	if l.Behind() != 0 {
		t.Error("nothing was expected")
	}
	l.Pass(5)
	if l.Expect(5, time.Now()); l.Behind() != 0 {
		t.Error("what was passed before is waited for")
	}
	if u := l.Unsure(); u > time.Hour {
		t.Errorf("unsure for %v where all was told a moment ago", u)
	}
	l.Expect(10, time.Now().Add(-time.Hour))
	l.Expect(20, time.Now().Add(-time.Minute))
	if b := l.Behind(); b < time.Hour {
		t.Errorf("behind by %v, not an hour", b)
	}
	l.Pass(15)
	if b := l.Behind(); b < time.Minute || b >= time.Hour {
		t.Errorf("behind by %v, not a minute", b)
	}
	if u := l.Unsure(); u < time.Hour {
		t.Errorf("unsure for %v, not an hour", u)
	}
	for n := range uint64(2 * maxMarks) {
		l.Expect(20+n, time.Now())
	}
	if len(l.marks) > maxMarks {
		t.Errorf("%d marks are kept", len(l.marks))
	}
	if l.Pass(20 + 2*maxMarks - 2); l.Behind() == 0 {
		t.Error("the last mark is forgotten")
	}
	if l.Pass(20 + 2*maxMarks - 1); l.Behind() != 0 {
		t.Error("all is passed")
	}
}

func TestOutage(t *testing.T) {
	var o Outage
	if lasts, out := o.Lasts(); out || lasts != 0 {
		t.Errorf("an outage that has not begun lasts for %v", lasts)
	}
	o.Begin()
	o.since.Store(new(time.Now().Add(-time.Hour)))
	o.Begin()
	if lasts, out := o.Lasts(); !out || lasts < time.Hour {
		t.Errorf("it lasts for %v, not since it began first", lasts)
	}
	o.End()
	if _, out := o.Lasts(); out {
		t.Error("it has ended")
	}
}
