package relay

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// pushAfter is how long a follower's barrier waits before it has the WAL flushed: longer than a leader's, since what it waits
// for comes by way of the leader.
const pushAfter = 2 * time.Millisecond

// stream is what a follower has of one leader's stream, from the batch that it began with to its loss.
type stream struct {
	member  *member
	settler *server.Settler
	gate    *server.Gate
	// passed is what the sink was told of progress, wanted the furthest position that somebody waits for.
	passed, wanted atomic.Uint64
	progress       server.Lag
	// end ends its goroutines.
	end     context.CancelFunc
	running sync.WaitGroup

	mu sync.Mutex
	// heeded are the columns that the leader heeds.
	heeded map[column]struct{}
}

// join begins a stream with a batch: see the package's documentation for why with these numbers. In this order: own writes
// that come to be settled from here on wait for the clerk; the ones before were acknowledged before the server is asked where
// its WAL ends.
func (m *member) join(ctx context.Context, b *batch) error {
	if !strings.HasSuffix(b.generation, "/"+strings.Join(m.identity, "/")) {
		return server.ErrOtherServer
	}
	s := &stream{member: m, settler: server.NewSettler(), heeded: make(map[column]struct{})}
	s.settler.Called = m.called
	living, end := context.WithCancel(ctx)
	s.end = end
	s.gate = s.newGate(living)
	m.stream = s
	m.visible.Store(s)
	m.feed.role.Store(&role{follows: s})
	s.running.Go(func() { s.gate.Run(living) })
	now, err := m.origin(ctx)
	if err != nil {
		return err
	}
	if err := s.gate.Look(now.triggers); err != nil {
		return err
	}
	position := max(b.position, m.feed.pages.Load().Reachable(now.lsn))
	sink := m.feed.config.WAL.Sink
	sink.Start(b.generation, position, b.after)
	// Tables may have come to be that the leader told of before, and will not tell of as new again.
	sink.Commit(freshness.Commit{Position: position, Everything: true}, true)
	m.feed.config.WAL.Outage.End()
	m.lost.Store(false)
	server.Raise(m.wants) // the columns that matter
	m.feed.log.DebugContext(ctx, "pgcache: this process follows the relay", "term", b.term, "position", position)
	return nil
}

// lose tells the sink that the stream is lost, and then lets it go: see wal.Feed, which does likewise.
func (m *member) lose(err error) {
	s := m.stream
	if s == nil {
		return
	}
	m.feed.config.WAL.Outage.Begin()
	m.feed.config.WAL.Sink.Lose(err)
	m.stream = nil
	m.visible.Store(nil)
	m.feed.role.Store(nil)
	s.settler.Abandon()
	s.end()
	s.gate.Abandon()
	s.running.Wait()
}

// apply tells the sink what a batch says.
func (m *member) apply(messages []message) {
	s, sink := m.stream, m.feed.config.WAL.Sink
	for i := range messages {
		told := &messages[i]
		switch told.kind {
		case kindCommit:
			m.feed.config.WAL.Interest.Tell(func() { sink.Commit(s.commit(told), told.schema) })
			s.gate.Apply(told.xid)
		case kindPass:
			sink.Pass(told.position)
			s.passed.Store(told.position)
			s.gate.Reach(told.position)
			s.progress.Pass(told.position)
		case kindHeed:
			s.heed(column{told.table, told.column})
		case kindLose:
			m.lose(errLeftOver)
			server.Raise(m.vacant)
			return
		}
	}
}

// commit gives a commit its tags. Of a column that matters here and that the leader does not heed yet nothing is known, so
// it is touched as a whole.
func (s *stream) commit(told *message) freshness.Commit {
	tags := make([]freshness.Tag, 0, len(told.tables)+len(told.tags)+1)
	for _, table := range told.tables {
		tags = append(tags, freshness.TableTag(table))
	}
	tags = append(tags, told.tags...)
	interest := s.member.feed.config.WAL.Interest
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, table := range told.tables {
		for _, name := range interest.Columns(table) {
			if _, heeded := s.heeded[column{table, name}]; !heeded {
				tags = append(tags, freshness.ColumnTag(table, name))
			}
		}
	}
	return freshness.Commit{Position: told.position, XID: told.xid, Tags: tags, Everything: told.everything}
}

func (s *stream) heed(c column) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heeded[c] = struct{}{}
}

// unheeded are columns that matter here and that the leader does not heed, as far as is known.
func (s *stream) unheeded() (list []column) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for table, names := range s.member.feed.config.WAL.Interest.All() {
		for _, name := range names {
			if _, heeded := s.heeded[column{table, name}]; !heeded {
				list = append(list, column{table, name})
			}
		}
	}
	return list
}

// want says that somebody waits for a position.
func (s *stream) want(position uint64) {
	for {
		old := s.wanted.Load()
		if old >= position {
			return
		}
		if s.wanted.CompareAndSwap(old, position) {
			break
		}
	}
	if position > s.passed.Load() {
		server.Raise(s.member.wants)
		server.Raise(s.member.waited)
	}
}

// newGate makes the gate that holds the follower's barriers.
func (s *stream) newGate(living context.Context) *server.Gate {
	m := s.member
	return server.NewGate(server.GateConfig{
		Dial: m.dialAgain,
		Fail: func(err error) {
			if living.Err() == nil { // else it was the end of the stream that closed the connection
				m.fail(err)
			}
		},
		Refused: func(ctx context.Context, err error) {
			m.feed.log.WarnContext(ctx, "pgcache: no connection for barriers", "error", err)
		},
		Observed:  func(seen freshness.Snapshot) { observe(m.feed.config.WAL.Sink, seen) },
		Events:    func(told bool) { changefeed.TellEvents(m.feed.config.WAL.Sink, told) },
		Reachable: func(lsn uint64) uint64 { return m.feed.pages.Load().Reachable(lsn) },
		Passed:    s.passed.Load,
		Push:      func() { server.Raise(m.pushed) },
		PushAfter: pushAfter,
		Waits:     s.want,
	})
}

// dialAgain makes another ordinary connection to the server.
func (m *member) dialAgain(ctx context.Context) (*server.Line, error) {
	l, err := server.Dial(ctx, server.PlainConfig(m.feed.config.WAL.Connect, m.name))
	if err != nil {
		return nil, err
	}
	if err := l.SameServer(m.identity); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// request is what is to be asked of the leader now; it may be nothing.
func (m *member) request() (q request, something bool) {
	q.server = m.server
	s := m.visible.Load()
	if s == nil {
		return q, m.lost.Swap(false)
	}
	if wanted := s.wanted.Load(); wanted > s.passed.Load() {
		q.position, something = wanted, true
	}
	q.columns = s.unheeded()
	q.columns = slices.Clip(q.columns[:min(len(q.columns), maxColumns)])
	return q, something || len(q.columns) > 0
}
