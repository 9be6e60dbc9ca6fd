package wal

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// Config says which server a feed follows, and whom it tells.
type Config struct {
	// Connect is how to connect to the server; it must lead to the server itself, not to a pooler. The feed uses copies.
	Connect *pgconn.Config
	// Publication names the publication to read; empty stands for "pgcache".
	Publication string
	// Sink is told of the commits. One that has a method Observe(freshness.Snapshot) is also told of the snapshots that
	// barriers take.
	Sink changefeed.Sink
	// Interest says which columns' values matter; nil stands for none.
	Interest *changefeed.Interest
	// Outage is told of the times without a stream; nil stands for one of the feed's own.
	Outage *server.Outage
	// Logger hears of what the sink is not told; nil stands for slog.Default().
	Logger *slog.Logger
}

// The times of a feed.
const (
	// firstRetry and lastRetry bound the wait before a broken stream is begun again.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 3 * time.Second
	// setupRetry is the wait before the next try when somebody has to mend the server first.
	setupRetry = 10 * time.Second
	// steady is how long a stream must have lived for the next wait to be a first one.
	steady = 10 * time.Second
)

// Feed reads the logical replication of one server. It implements changefeed.Feed.
type Feed struct {
	config Config
	log    *slog.Logger
	// tolerance is server.TooFarBehind, but for tests that are about something else and run on busy machines.
	tolerance time.Duration
	// retry cuts a wait for the next try short.
	retry chan struct{}
	// pages are those of the server's WAL, known once a stream has begun.
	pages atomic.Pointer[server.Pages]
	// wanted is the furthest position that somebody waits for.
	wanted atomic.Uint64
	// stream is the one that the sink believes in, or is about to; nil while there is none.
	stream atomic.Pointer[stream]
}

var _ changefeed.Feed = (*Feed)(nil)

// New makes a feed. It does nothing until Run.
func New(config Config) *Feed {
	if config.Publication == "" {
		config.Publication = "pgcache"
	}
	if config.Interest == nil {
		config.Interest = new(changefeed.Interest)
	}
	if config.Outage == nil {
		config.Outage = new(server.Outage)
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	f := &Feed{config: config, log: config.Logger, tolerance: server.TooFarBehind, retry: make(chan struct{}, 1)}
	config.Outage.Begin()
	return f
}

// Run implements changefeed.Feed. It goes on trying whatever goes wrong, and gives the context's error only; what went
// wrong is told to the sink. It may be called once.
func (f *Feed) Run(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		begun := time.Now()
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(begun) > steady {
			wait = 0
		}
		wait = min(max(2*wait, firstRetry), lastRetry)
		f.pause(ctx, err, wait)
	}
}

// Retry has a feed that waits for its server to be mended try at once.
func (f *Feed) Retry() {
	select {
	case f.retry <- struct{}{}:
	default:
	}
}

// pause waits before the next try: longer if somebody has to mend the server first.
func (f *Feed) pause(ctx context.Context, err error, wait time.Duration) {
	if setup := (*SetupError)(nil); errors.As(err, &setup) {
		wait = setupRetry
	}
	wait = wait/2 + rand.N(wait/2)
	f.log.DebugContext(ctx, "pgcache: the change feed is down", "error", err, "retry_in", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.retry:
	case <-ctx.Done():
	}
}

// lose tells the sink that the stream has broken, and then lets the stream go. In that order: a write that is settled
// without a stream counts as delivered by the next one, so the sink must not believe in the old one any more.
func (f *Feed) lose(err error) {
	f.config.Outage.Begin()
	f.config.Sink.Lose(err)
	if s := f.stream.Swap(nil); s != nil {
		s.settler.Abandon()
		s.gate.Abandon()
	}
}

// Barrier implements changefeed.Feed. It gives ErrNoStream, or the context's error.
func (f *Feed) Barrier(ctx context.Context) error {
	s := f.stream.Load()
	if s == nil {
		return ErrNoStream
	}
	return s.gate.Barrier(ctx)
}

// Settle implements changefeed.Feed. While there is no stream the write is settled at once: see server.Settler.
func (f *Feed) Settle(own *freshness.Own) {
	if s := f.stream.Load(); s != nil && s.settler.Take(own) {
		return
	}
	own.Settle(0)
}

// want says that somebody waits for the feed to pass a position.
func (f *Feed) want(position uint64) {
	for {
		old := f.wanted.Load()
		if old >= position {
			return
		}
		if f.wanted.CompareAndSwap(old, position) {
			break
		}
	}
	if s := f.stream.Load(); s != nil && position > s.passed.Load() {
		s.clerk.hurry()
	}
}

// Lag implements changefeed.Feed: since when there is something that the feed has not told, looked at once a second. While
// there is no stream that is since it broke.
func (f *Feed) Lag() time.Duration {
	s := f.stream.Load()
	if lasts, out := f.config.Outage.Lasts(); out || s == nil {
		return lasts
	}
	return s.progress.Behind()
}
