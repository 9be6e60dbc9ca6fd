package wal

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

const (
	// pushAfter is how long a barrier waits for the stream before it has the WAL flushed. What it waits for then is an
	// asynchronous commit, or the end of what open transactions wrote.
	pushAfter = time.Millisecond
	// maxApplied bounds the commits that are remembered for barriers, and maxFresh those that one barrier looks for.
	maxApplied = 1 << 16
	maxFresh   = 1 << 10
)

// observe asks what can be seen, and where the WAL ended a moment after: no commit that can be seen ends behind it.
var observe = question{"observe", `select pg_current_snapshot(), pg_current_wal_insert_lsn()`}

// Barrier implements changefeed.Feed. It gives ErrNoStream, or the context's error.
func (f *Feed) Barrier(ctx context.Context) error {
	s := f.stream.Load()
	if s == nil {
		return ErrNoStream
	}
	b, ok := s.gate.join()
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

// gate holds a stream's barriers. A barrier passes when the stream has passed the position that was read with its snapshot, or,
// which is sooner, when the stream has delivered every transaction that its snapshot sees and the last barrier's
// did not. Transactions that no commit will come of (rolled back, of no published table, parts of others) leave only the
// position to wait for.
type gate struct {
	stream *stream
	// called is raised when somebody waits for a barrier that is to be sent.
	called chan struct{}
	// used is set when there was a barrier ever: without any, nothing is remembered.
	used atomic.Bool

	mu sync.Mutex
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

func newGate(s *stream) *gate {
	return &gate{stream: s, called: make(chan struct{}, 1), applied: make(map[uint64]struct{})}
}

// join gives the barrier that is sent next. It is never one that was sent already, which may have missed a commit that the
// caller has heard of.
func (g *gate) join() (*barrier, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, false
	}
	if g.next == nil {
		g.next = &barrier{open: make(chan struct{})}
		g.used.Store(true)
		raise(g.called)
	}
	g.next.waiters.Add(1)
	return g.next, true
}

// run sends barriers, one at a time, on a connection of their own, which is made for the first. Without it there are no
// barriers, but that is no reason to lose the stream; once it was there, its loss may be the server's.
func (g *gate) run(ctx context.Context) {
	var own *line
	var refused time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.called:
		}
		b := g.take()
		var err error
		if own == nil && time.Since(refused) > pulseEvery {
			if own, err = g.stream.dialAgain(ctx); err != nil {
				refused = time.Now()
				g.stream.feed.log.WarnContext(ctx, "pgcache: no connection for barriers", "error", err)
			}
		}
		if own == nil {
			b.fail()
			continue
		}
		if err := g.send(own, b); err != nil {
			b.fail()
			g.stream.fail(err)
			return
		}
	}
}

// take takes the next barrier; nobody can join it any more.
func (g *gate) take() *barrier {
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

// send asks the server for a barrier.
func (g *gate) send(l *line, b *barrier) error {
	row, err := l.ask(observe)
	if err != nil {
		return err
	}
	if b.snapshot, err = freshness.ParseSnapshot(row[0]); err != nil {
		return err
	}
	if b.position, err = parseLSN(row[1]); err != nil {
		return err
	}
	b.position = g.stream.feed.pages.Load().reachable(b.position)
	g.stream.refer(b.snapshot.Max)
	if sink, ok := g.stream.sink.(interface{ Observe(seen freshness.Snapshot) }); ok {
		sink.Observe(b.snapshot)
	}
	g.wait(b)
	return nil
}

// wait opens a barrier, or has it wait for the stream.
func (g *gate) wait(b *barrier) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		b.fail()
		return
	}
	g.sent = append(slices.DeleteFunc(g.sent, func(b *barrier) bool { return b.waiters.Load() <= 0 }), b)
	fresh, few := g.fresh(&b.snapshot)
	if b.position <= g.stream.passed.Load() || few && len(fresh) == 0 {
		g.pass(len(g.sent) - 1)
		return
	}
	b.missing = fresh
	if g.push == nil {
		g.push = time.AfterFunc(pushAfter, g.pushWAL)
	}
}

// fresh are the transactions that a snapshot sees, the last barrier's did not, and the stream has not delivered. few is false
// when that can't be said.
func (g *gate) fresh(s *freshness.Snapshot) (fresh map[uint64]struct{}, few bool) {
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
func (g *gate) pass(i int) {
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

// apply notes that the sink was told of a commit.
func (g *gate) apply(xid uint64) {
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

// reach opens the barriers whose position the stream has passed.
func (g *gate) reach(position uint64) {
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
func (g *gate) pushWAL() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.push = nil
	waits := false
	for _, b := range g.sent {
		waits = waits || !b.pushed
		b.pushed = true
	}
	if waits && !g.closed {
		raise(g.stream.clerk.pushed)
	}
}

// abandon fails the barriers that are left when the stream is lost.
func (g *gate) abandon() {
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

// errOtherServer is why a stream is lost of which a connection leads elsewhere: a name may stand for several servers.
var errOtherServer = errors.New("pgcache: two connections led to two servers")

// dialAgain makes another ordinary connection to the stream's server.
func (s *stream) dialAgain(ctx context.Context) (*line, error) {
	l, err := dial(ctx, plainConfig(s.feed.config.Connect, s.name))
	if err != nil {
		return nil, err
	}
	there, err := l.ask(identity)
	if err == nil && !slices.Equal(there, s.identity) {
		err = errOtherServer
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}
