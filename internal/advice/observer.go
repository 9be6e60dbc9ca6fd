package advice

import (
	"sync"
	"sync/atomic"
	"time"
)

// The bounds of an Observer's memory.
const (
	MaxStatements = 2000
	MaxKeys       = 64 << 10
	MaxText       = 4 << 10 // bytes of a statement's text
)

// Observer learns from queries. It is safe for concurrent use.
type Observer struct {
	began time.Time
	keys  atomic.Int64

	mu         sync.Mutex
	statements map[string]*Statement
	met        uint64 // statements so far, those that were forgotten too
	shrinking  sync.Mutex
}

// New returns an Observer that has learned nothing.
func New() *Observer {
	// A tick of zero stands for nothing.
	return &Observer{began: time.Now().Add(-tick), statements: make(map[string]*Statement)}
}

// Statement gives the statement with a text, which its literals have been taken out of, and with the pattern of all texts that
// come to the same; the pattern may be empty. The Statement is good until Forgotten says otherwise.
func (o *Observer) Statement(text, pattern string) *Statement {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s := o.statements[text]; s != nil {
		return s
	}
	if len(o.statements) >= MaxStatements {
		o.forgetOne()
	}
	o.met++
	s := &Statement{observer: o, number: o.met, text: text, pattern: pattern, keys: make(map[uint64]*key)}
	o.statements[text] = s
	return s
}

// forgetOne makes room: for what is asked often, what was asked once has to go, and of those what was met first: the latest
// has had no time to be asked again. The caller holds the lock.
func (o *Observer) forgetOne() {
	var least *Statement
	var fewest int64
	for _, s := range o.statements {
		calls := s.calls.Load()
		if least == nil || calls < fewest || calls == fewest && s.number < least.number {
			least, fewest = s, calls
		}
	}
	delete(o.statements, least.text)
	least.forget()
}

// Statements gives all statements, in no order.
func (o *Observer) Statements() []*Statement {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]*Statement, 0, len(o.statements))
	for _, s := range o.statements {
		list = append(list, s)
	}
	return list
}

// Keys gives the number of keys that are remembered.
func (o *Observer) Keys() int { return int(o.keys.Load()) }

// clock gives a moment as ticks and as time since the Observer was made.
func (o *Observer) clock(t time.Time) (ticks uint32, since time.Duration) {
	since = t.Sub(o.began)
	return max(1, uint32(since/tick)), since
}

// bound sees to it that there are not too many keys: the statement that has the most gives up half of its own.
func (o *Observer) bound() {
	o.shrinking.Lock()
	defer o.shrinking.Unlock()
	for o.keys.Load() > MaxKeys {
		var most *Statement
		count := int64(-1)
		for _, s := range o.Statements() {
			if n := s.held.Load(); n > count {
				most, count = s, n
			}
		}
		most.halve()
	}
}
