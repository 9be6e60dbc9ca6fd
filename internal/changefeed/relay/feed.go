package relay

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// Config says which server a fleet follows, by what it is joined, and whom this process tells.
type Config struct {
	// WAL is how this process follows the server while it leads. Sink and Interest are this process's own, whether it
	// leads or not.
	WAL wal.Config
	// Transport joins the fleet.
	Transport Transport
	// Namespace keeps fleets of one database apart: one process of each namespace leads.
	Namespace string
}

// The times of a feed.
const (
	// firstRetry and lastRetry bound the wait after something has broken.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 3 * time.Second
	// standDown is for how long a process that could not lead leaves that to others.
	standDown = 10 * time.Second
	// steady is how long all must have been well for the next wait to be a first one.
	steady = 10 * time.Second
)

// Feed is one process's part in a fleet. It implements changefeed.Feed.
type Feed struct {
	config Config
	log    *slog.Logger
	// lock is the number of the advisory lock that the leader holds.
	lock string
	// role is what this process does; nil while it does nothing.
	role atomic.Pointer[role]
	// pages are those of the server's WAL, once it is known.
	pages atomic.Pointer[server.Pages]
	// term is the latest one that was heard of, of a server.
	term known
	// notBefore is when this process may lead again; retry cuts waits short.
	notBefore time.Time
	retry     chan struct{}
}

// ErrNoStream is what Barrier gives while there is no stream of commits.
var ErrNoStream = server.ErrNoStream

// role is what a process does: it leads, or it follows a leader's stream.
type role struct {
	leads   *leader
	follows *stream
}

// known is the latest term that was heard of.
type known struct {
	server uint64
	term   Term
}

var _ changefeed.Feed = (*Feed)(nil)

// New makes a feed. It does nothing until Run.
func New(config Config) *Feed {
	if config.WAL.Publication == "" {
		config.WAL.Publication = "pgcache"
	}
	if config.WAL.Interest == nil {
		config.WAL.Interest = new(changefeed.Interest)
	}
	if config.WAL.Outage == nil {
		config.WAL.Outage = new(server.Outage)
	}
	if config.WAL.Logger == nil {
		config.WAL.Logger = slog.Default()
	}
	f := &Feed{config: config, log: config.WAL.Logger, retry: make(chan struct{}, 1)}
	f.lock = lockOf(config.Namespace, config.WAL.Publication)
	f.pages.Store(&server.Common)
	config.WAL.Outage.Begin()
	return f
}

// lockOf is the number of a fleet's advisory lock. PostgreSQL keeps those of different databases apart.
func lockOf(namespace, publication string) string {
	sum := sha256.Sum256([]byte("pgcache relay\x00" + namespace + "\x00" + publication))
	return strconv.FormatInt(int64(binary.BigEndian.Uint64(sum[:])), 10)
}

// Run implements changefeed.Feed. It goes on trying whatever goes wrong, and gives the context's error only. It may be
// called once.
func (f *Feed) Run(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		begun := time.Now()
		led, err := f.attend(ctx)
		f.role.Store(nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if led {
			f.notBefore = time.Now().Add(absence(err))
		}
		if time.Since(begun) > steady {
			wait = 0
		}
		wait = min(max(2*wait, firstRetry), lastRetry)
		f.log.DebugContext(ctx, "pgcache: the relay of changes is down", "error", err, "retry_in", wait)
		f.rest(ctx, wait/2+rand.N(wait/2))
	}
}

// absence is for how long a process that has led leaves that to others.
func absence(err error) time.Duration {
	if setup := (*wal.SetupError)(nil); errors.As(err, &setup) || errors.Is(err, errUnheard) || errors.Is(err, errUnasked) {
		return standDown
	}
	return 0
}

// rest waits before the next try.
func (f *Feed) rest(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.retry:
		f.notBefore = time.Time{}
	case <-ctx.Done():
	}
}

// Retry has a feed try at once that waits for something to be mended.
func (f *Feed) Retry() {
	server.Raise(f.retry)
	if r := f.role.Load(); r != nil && r.leads != nil {
		r.leads.wal.Retry()
	}
}

// Leads tells whether this process leads its fleet.
func (f *Feed) Leads() bool {
	r := f.role.Load()
	return r != nil && r.leads != nil
}

// Position implements changefeed.Feed.
func (f *Feed) Position(lsn uint64) uint64 {
	r := f.role.Load()
	switch {
	case r != nil && r.leads != nil:
		return r.leads.wal.Position(lsn)
	case r != nil:
		position := f.pages.Load().Reachable(lsn)
		r.follows.want(position)
		return position
	default:
		return f.pages.Load().Reachable(lsn)
	}
}

// Barrier implements changefeed.Feed. It asks the server itself, whoever leads: a leader that is late makes it late. It
// gives ErrNoStream, or the context's error.
func (f *Feed) Barrier(ctx context.Context) error {
	r := f.role.Load()
	switch {
	case r == nil:
		return ErrNoStream
	case r.leads != nil:
		return r.leads.wal.Barrier(ctx)
	default:
		return r.follows.gate.Barrier(ctx)
	}
}

// Settle implements changefeed.Feed. Whoever begins a stream first takes up its role and then asks for the position to start
// at, so a write that finds no stream here is older than the next one's start: see server.Settler.
func (f *Feed) Settle(own *freshness.Own) {
	r := f.role.Load()
	switch {
	case r != nil && r.leads != nil:
		r.leads.wal.Settle(own)
	case r != nil && r.follows.settler.Take(own):
	default:
		own.Settle(0)
	}
}

// Lag implements changefeed.Feed.
func (f *Feed) Lag() time.Duration {
	r := f.role.Load()
	lasts, out := f.config.WAL.Outage.Lasts()
	switch {
	case out || r == nil:
		return lasts
	case r.leads != nil:
		return r.leads.wal.Lag()
	default:
		return r.follows.progress.Behind()
	}
}
