package wal

import (
	"context"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// newGate makes the gate that holds the stream's barriers.
func (s *stream) newGate() *server.Gate {
	return server.NewGate(server.GateConfig{
		Dial: s.dialAgain,
		Fail: func(err error) { s.fail(err) },
		Refused: func(ctx context.Context, err error) {
			s.feed.log.WarnContext(ctx, "pgcache: no connection for barriers", "error", err)
		},
		Observed:  s.observed,
		Events:    func(told bool) { changefeed.TellEvents(s.sink, told) },
		Reachable: func(lsn uint64) uint64 { return s.feed.pages.Load().Reachable(lsn) },
		Passed:    s.passed.Load,
		Push:      func() { server.Raise(s.clerk.pushed) },
		Waits:     func(uint64) { s.pace.hurry() },
	})
}

// observed tells the sink of a snapshot, if it wants to hear of it.
func (s *stream) observed(seen freshness.Snapshot) {
	s.refer(seen.Max)
	if sink, ok := s.sink.(interface{ Observe(seen freshness.Snapshot) }); ok {
		sink.Observe(seen)
	}
}

// dialAgain makes another ordinary connection to the stream's server.
func (s *stream) dialAgain(ctx context.Context) (*server.Line, error) {
	l, err := server.Dial(ctx, server.PlainConfig(s.feed.config.Connect, s.name))
	if err != nil {
		return nil, err
	}
	if err := l.SameServer(s.identity); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
