package wal

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

// beatEvery is how often the server is told how far the feed is. It answers, so a connection that is dead is noticed.
const beatEvery = time.Second

// errSilent is why a stream is lost whose server says nothing, though it was asked.
var errSilent = errors.New("pgcache: the server has fallen silent")

// beat reports once a second, and listens for the answers.
func (s *stream) beat(ctx context.Context) {
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		if err := s.report(true); err != nil {
			s.fail(err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch {
		case s.incoming.silence() > server.Patience:
			s.fail(errSilent)
			return
		case s.progress.Unsure() > s.feed.tolerance:
			s.fail(server.ErrBehind)
			return
		}
	}
}

// report tells the server how far the feed is, so that it keeps no WAL for it.
func (s *stream) report(answer bool) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(server.Patience)); err != nil {
		return err
	}
	return pglogrepl.SendStandbyStatusUpdate(context.Background(), s.replication, pglogrepl.StandbyStatusUpdate{
		WALWritePosition: pglogrepl.LSN(s.passed.Load()), ReplyRequested: answer,
	})
}

// eager is what the replication is read through. It calls idle before it waits for more.
type eager struct {
	from io.Reader
	idle func()
	// since is when it began to wait, in nanoseconds; 0 while it doesn't.
	since atomic.Int64
}

func (e *eager) Read(p []byte) (int, error) {
	e.idle()
	e.since.Store(time.Now().UnixNano())
	n, err := e.from.Read(p)
	e.since.Store(0)
	return n, err
}

// silence is for how long it has waited.
func (e *eager) silence() time.Duration {
	if since := e.since.Load(); since != 0 {
		return time.Duration(time.Now().UnixNano() - since)
	}
	return 0
}
