package server

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

const (
	// pushAfter is how long a barrier usually waits for the stream before it has the WAL flushed. What it waits for then is
	// an asynchronous commit, or the end of what open transactions wrote.
	pushAfter = time.Millisecond
	// maxApplied bounds the commits that are remembered for barriers, and maxFresh those that one barrier looks for.
	maxApplied = 1 << 16
	maxFresh   = 1 << 10
	// redialAfter is the wait before a connection that could not be made is tried again.
	redialAfter = time.Second
)

// barrier is one question to the server, and those who wait for what it saw.
type barrier struct {
	waiters  atomic.Int64
	open     chan struct{}
	err      error // set before open is closed
	snapshot freshness.Snapshot
	position uint64
	// missing are the transactions that the stream has yet to deliver; nil when only the position counts.
	missing map[uint64]struct{}
	// pushed is set when the WAL was flushed for it.
	pushed bool
}

// GateConfig is what a gate needs to know of its stream.
type GateConfig struct {
	// Dial makes an ordinary connection to the stream's server.
	Dial func(ctx context.Context) (*Line, error)
	// Fail ends the stream.
	Fail func(err error)
	// Refused is told that no connection could be made.
	Refused func(ctx context.Context, err error)
	// Observed is told of each snapshot that was taken.
	Observed func(freshness.Snapshot)
	// Events is told whether changes of the schema are told.
	Events func(told bool)
	// Reachable gives the position to wait for instead of one that was read.
	Reachable func(lsn uint64) uint64
	// Passed is the position that the stream has passed.
	Passed func() uint64
	// Push has the WAL flushed; a barrier asks for it that has waited for PushAfter, or a millisecond if that is 0.
	Push      func()
	PushAfter time.Duration
	// Waits, if there is such, is told that a barrier has to wait for a position.
	Waits func(position uint64)
}

// Gate holds a stream's barriers. A barrier passes when the stream has passed the position that was read with its snapshot, or,
// which is sooner, when the stream has delivered every transaction that its snapshot sees and the last barrier's
// did not. Transactions that no commit will come of (rolled back, of no published table, parts of others) leave only the
// position to wait for.
type Gate struct {
	GateConfig

	// called is raised when somebody waits for a barrier that is to be sent.
	called chan struct{}
	// used is set when there was a barrier ever: without any, nothing is remembered.
	used atomic.Bool

	// looked is what could be seen when the event triggers were looked at last, and busy is set when that was something new. They are
	// the sender's.
	looked *freshness.Snapshot
	busy   bool

	mu sync.Mutex
	// events are the event triggers since the stream began.
	events Events
	// next is the barrier that is sent next, if anybody waits for it; sent are those that wait for the stream, in order.
	next   *barrier
	sent   []*barrier
	closed bool
	// last is the snapshot of the last barrier that passed.
	last *freshness.Snapshot
	// applied are the transactions that were delivered and that last does not see.
	applied map[uint64]struct{}
	// push runs when a barrier has waited for long.
	push *time.Timer
}

// NewGate makes the gate of one stream.
func NewGate(config GateConfig) *Gate {
	if config.PushAfter == 0 {
		config.PushAfter = pushAfter
	}
	return &Gate{GateConfig: config, called: make(chan struct{}, 1), applied: make(map[uint64]struct{})}
}

// Barrier returns when every commit has been applied that was visible when it was called. It gives ErrNoStream when the
// stream is lost, or the context's error.
func (g *Gate) Barrier(ctx context.Context) error {
	b, ok := g.join()
	if !ok {
		return ErrNoStream
	}
	select {
	case <-b.open:
		return b.err
	case <-ctx.Done():
		b.waiters.Add(-1)
		return ctx.Err()
	}
}

// join gives the barrier that is sent next. It is never one that was sent already, which may have missed a commit that the
// caller has heard of.
func (g *Gate) join() (*barrier, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, false
	}
	if g.next == nil {
		g.next = &barrier{open: make(chan struct{})}
		g.used.Store(true)
		Raise(g.called)
	}
	g.next.waiters.Add(1)
	return g.next, true
}

// Run sends barriers, one at a time, on a connection of their own, which is made for the first. Without it there are no
// barriers, but that is no reason to lose the stream; once it was there, its loss may be the server's.
func (g *Gate) Run(ctx context.Context) {
	var own *Line
	var refused time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.called:
		}
		b := g.take()
		if b == nil {
			return // abandoned
		}
		var err error
		if own == nil && time.Since(refused) > redialAfter {
			if own, err = g.Dial(ctx); err != nil {
				refused = time.Now()
				g.Refused(ctx, err)
			}
		}
		if own == nil {
			b.fail()
			continue
		}
		if err := g.send(own, b); err != nil {
			b.fail()
			g.Fail(err)
			return
		}
	}
}

// take takes the next barrier; nobody can join it any more.
func (g *Gate) take() *barrier {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.next
	g.next = nil
	return b
}

func (b *barrier) fail() {
	b.err = ErrNoStream
	close(b.open)
}

// lookAgain looks at the event triggers unless no transaction has ended since they were looked at last. answer holds what is known of
// them, if they were asked for with the snapshot.
func (g *Gate) lookAgain(l *Line, seen *freshness.Snapshot, answer []string) (err error) {
	g.busy = g.looked == nil || !g.looked.Same(seen)
	if !g.busy {
		return nil
	}
	if len(answer) == 0 {
		if answer, err = l.Ask(Triggers); err != nil {
			return err
		}
	}
	g.looked = seen
	return g.Look(answer[0])
}

// Look reads what EventsSQL gives. It is called for a stream that begins too, so that what is changed between that and the first barrier
// is noticed.
func (g *Gate) Look(answer string) error {
	g.mu.Lock()
	told, err := g.events.Look(answer)
	g.mu.Unlock()
	g.Events(told)
	return err
}

// send asks the server for a barrier.
func (g *Gate) send(l *Line, b *barrier) error {
	question := Observe
	if g.busy {
		question = ObserveAll
	}
	row, err := l.Ask(question)
	if err != nil {
		return err
	}
	if b.snapshot, err = freshness.ParseSnapshot(row[0]); err != nil {
		return err
	}
	if b.position, err = ParseLSN(row[1]); err != nil {
		return err
	}
	if err := g.lookAgain(l, &b.snapshot, row[2:]); err != nil {
		return err
	}
	b.position = g.Reachable(b.position)
	g.Observed(b.snapshot)
	g.wait(b)
	return nil
}

// wait opens a barrier, or has it wait for the stream.
func (g *Gate) wait(b *barrier) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		b.fail()
		return
	}
	g.sent = append(slices.DeleteFunc(g.sent, func(b *barrier) bool { return b.waiters.Load() <= 0 }), b)
	fresh, few := g.fresh(&b.snapshot)
	if b.position <= g.Passed() || few && len(fresh) == 0 {
		g.pass(len(g.sent) - 1)
		return
	}
	b.missing = fresh
	if g.push == nil {
		g.push = time.AfterFunc(g.PushAfter, g.pushWAL)
	}
	if g.Waits != nil {
		g.Waits(b.position)
	}
}

// fresh are the transactions that a snapshot sees, the last barrier's did not, and the stream has not delivered. few is false
// when that can't be said.
func (g *Gate) fresh(s *freshness.Snapshot) (fresh map[uint64]struct{}, few bool) {
	if g.last == nil || s.Max-g.last.Max > maxFresh {
		return nil, false
	}
	look := func(xid uint64) {
		if _, told := g.applied[xid]; told || !s.Sees(xid) {
			return
		}
		if fresh == nil {
			fresh = make(map[uint64]struct{})
		}
		fresh[xid] = struct{}{}
	}
	for _, xid := range g.last.Running {
		look(xid)
	}
	for xid := g.last.Max; xid < s.Max; xid++ {
		look(xid)
	}
	return fresh, true
}

// pass opens a barrier and those before it, which saw no more. The caller holds the lock.
func (g *Gate) pass(i int) {
	g.last = &g.sent[i].snapshot
	for _, b := range g.sent[:i+1] {
		close(b.open)
	}
	g.sent = slices.Delete(g.sent, 0, i+1)
	for xid := range g.applied {
		if g.last.Sees(xid) {
			delete(g.applied, xid)
		}
	}
}

// Apply notes that the sink was told of a commit.
func (g *Gate) Apply(xid uint64) {
	if !g.used.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.applied) == maxApplied {
		clear(g.applied) // the next barrier finds some missing, and waits for its position
	}
	if g.last == nil || !g.last.Sees(xid) {
		g.applied[xid] = struct{}{}
	}
	through := -1
	for i, b := range g.sent {
		if _, waited := b.missing[xid]; waited {
			if delete(b.missing, xid); len(b.missing) == 0 {
				through = i
			}
		}
	}
	if through >= 0 {
		g.pass(through)
	}
}

// Reach opens the barriers whose position the stream has passed.
func (g *Gate) Reach(position uint64) {
	if !g.used.Load() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	through := -1
	for i, b := range g.sent {
		if b.position <= position {
			through = i
		}
	}
	if through >= 0 {
		g.pass(through)
	}
}

// pushWAL has the WAL flushed if there are barriers for which it was not.
func (g *Gate) pushWAL() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.push = nil
	waits := false
	for _, b := range g.sent {
		waits = waits || !b.pushed
		b.pushed = true
	}
	if waits && !g.closed {
		g.Push()
	}
}

// Abandon fails the barriers that are left when the stream is lost.
func (g *Gate) Abandon() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.next != nil {
		g.sent = append(g.sent, g.next)
	}
	for _, b := range g.sent {
		b.fail()
	}
	g.sent, g.next = nil, nil
	if g.push != nil {
		g.push.Stop()
	}
}
