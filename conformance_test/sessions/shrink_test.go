package sessions_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// shrinkTime bounds the search for a smaller trace.
const shrinkTime = 3 * time.Minute

// shrinker makes a trace that shows a difference smaller by playing parts of it, each in a new database.
type shrinker struct {
	t      *testing.T
	server *testenv.Server
	world  *world
	setup  []string
	trace  []op
	found  *difference
	until  time.Time
	plays  int
	played int // steps of the latest play
}

// shrink leaves steps and setup out as long as a difference remains: first large parts, then ever smaller ones.
func shrink(t *testing.T, server *testenv.Server, w *world, trace []op, found *difference) *shrinker {
	t.Helper()
	s := &shrinker{t: t, server: server, world: w, setup: w.setup, trace: trace, found: found, until: time.Now().Add(shrinkTime)}
	if !s.differs(s.setup, s.trace) {
		return s // it does not come every time
	}
	s.trace = s.trace[:s.played]
	if alike := s.withoutOtherReads(); s.differs(s.setup, alike) {
		s.trace = alike[:s.played]
	}
	for size := 0; size != len(s.setup)+len(s.trace) && time.Now().Before(s.until); {
		size = len(s.setup) + len(s.trace)
		s.trace = reduce(s, s.trace, func(part []op) bool { return s.differs(s.setup, part) })
		s.setup = reduce(s, s.setup, func(part []string) bool { return s.differs(part, s.trace) })
	}
	return s
}

// withoutOtherReads is the trace with only those reads that are of the text that showed the difference. The others seldom have
// a part in it, and there are many.
func (s *shrinker) withoutOtherReads() []op {
	var trace []op
	for _, o := range s.trace {
		if o.do != read || o.sql == s.found.op.sql {
			trace = append(trace, o)
		}
	}
	return trace
}

// reduce leaves out what the condition holds without.
func reduce[T any](s *shrinker, list []T, holds func([]T) bool) []T {
	for size := (len(list) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(list); {
			if time.Now().After(s.until) {
				return list
			}
			part := append(append([]T{}, list[:at]...), list[min(at+size, len(list)):]...)
			if holds(part) {
				list = part
			} else {
				at += size
			}
		}
	}
	return list
}

// differs plays a trace and tells whether it shows a difference.
func (s *shrinker) differs(setup []string, trace []op) bool {
	s.plays++
	p := newPlayer(s.t, s.server, s.world, setup, newTally())
	defer p.close(s.t)
	for i, o := range trace {
		if d := p.play(o); d != nil {
			s.found, s.played = d, i+1
			return true
		}
	}
	return false
}

func (s *shrinker) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nafter playing it %d times, the smallest trace is\n", s.world, s.plays)
	for _, line := range s.setup {
		fmt.Fprintf(&b, "  setup: %s\n", line)
	}
	for _, o := range s.trace {
		fmt.Fprintf(&b, "  %s\n", o)
	}
	return b.String() + s.found.Error()
}
