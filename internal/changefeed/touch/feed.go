package touch

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// Config says which log a feed reads, and whom it tells.
type Config struct {
	// Connect is how to connect to the server; it must lead to the server itself, not to a pooler. The feed uses copies.
	Connect *pgconn.Config
	// Sink is told of the commits. One that has a method Observe(freshness.Snapshot) is also told of the polls' snapshots.
	Sink changefeed.Sink
	// Interval is the time between two polls that nobody waits for; 0 stands for a tenth of a second.
	Interval time.Duration
	// Reads counts the reads that rely on the feed. While it stands still the interval becomes a second, or what it is if
	// that is more. If it is nil the feed counts as being relied on.
	Reads func() uint64
	// Logger hears of what the sink is not told; nil stands for slog.Default().
	Logger *slog.Logger
}

// The times of a feed.
const (
	// interval is the default of Config.Interval, and idleInterval what it is while nothing is read.
	interval     = 100 * time.Millisecond
	idleInterval = time.Second
	// idleAfter is how long nothing must have been read for that.
	idleAfter = 10 * time.Second
	// gap is how far polls are apart at least that a fill or an own write waits for, so that many share one. Whoever waits
	// at a barrier waits for nothing else.
	gap = 4 * time.Millisecond
	// firstRetry and lastRetry bound the wait before a broken stream is begun again.
	firstRetry = 50 * time.Millisecond
	lastRetry  = 3 * time.Second
	// setupRetry is the wait before the next try when somebody has to mend the server first.
	setupRetry = 10 * time.Second
	// steady is how long a stream must have lived for the next wait to be a first one.
	steady = 10 * time.Second
)

// ErrNoStream is what Barrier gives while the log is not being read.
var ErrNoStream = errors.New("pgcache: the touch log is not being read")

// Feed reads the touch log of one database. It implements changefeed.Feed.
type Feed struct {
	config Config
	log    *slog.Logger
	// wake wakes the poller: somebody waits.
	wake chan struct{}
	// retry cuts a wait for the next try short.
	retry chan struct{}

	mu sync.Mutex
	// live is set while there is a stream.
	live bool
	// next is the poll that begins next, and current the one under way, or nil.
	next, current *round
	// urgent is set when somebody waits at a barrier for the next poll, and wanted when anybody does.
	urgent, wanted bool
	// told is when the last poll began that was told.
	told time.Time
}

var _ changefeed.Feed = (*Feed)(nil)

// round is one poll, and those who wait for it.
type round struct {
	number uint64
	// done is closed when it has been told, or never will be, which err says.
	done chan struct{}
	err  error
}

func newRound(number uint64) *round { return &round{number: number, done: make(chan struct{})} }

// New makes a feed. It does nothing until Run.
func New(config Config) *Feed {
	if config.Interval <= 0 {
		config.Interval = interval
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &Feed{
		config: config, log: config.Logger, next: newRound(1), told: time.Now(),
		wake: make(chan struct{}, 1), retry: make(chan struct{}, 1),
	}
}

// Run implements changefeed.Feed. It goes on trying whatever goes wrong, and gives the context's error only; what went wrong
// is told to the sink. It may be called once.
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

// Retry has a feed that waits for something to be mended try at once.
func (f *Feed) Retry() { raise(f.retry) }

// raise wakes whoever listens; one wake-up is enough for all that happened before it.
func raise(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// pause waits before the next try: longer if somebody has to mend something first.
func (f *Feed) pause(ctx context.Context, err error, wait time.Duration) {
	if setup := (*SetupError)(nil); errors.As(err, &setup) {
		wait = setupRetry
	}
	wait = wait/2 + rand.N(wait/2)
	f.log.DebugContext(ctx, "pgcache: the touch log is not being read", "error", err, "retry_in", wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.retry:
	case <-ctx.Done():
	}
}

// begin gives the poll that begins now. Whoever comes from here on waits for the one after.
func (f *Feed) begin() *round {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = f.next
	f.next = newRound(f.current.number + 1)
	f.urgent, f.wanted = false, false
	return f.current
}

// open lets barriers be waited for. It comes before the sink is told that there is a stream, or who hears of that at once would
// find none.
func (f *Feed) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live = true
}

// finish tells those who waited for a poll that it has been told.
func (f *Feed) finish(r *round, begun time.Time) {
	f.mu.Lock()
	f.current, f.told = nil, begun
	f.mu.Unlock()
	close(r.done)
}

// lose tells the sink that the stream has broken, and then those who wait.
func (f *Feed) lose(err error) {
	f.config.Sink.Lose(err)
	f.mu.Lock()
	failed := []*round{f.next}
	if f.current != nil {
		failed = append(failed, f.current)
	}
	f.live, f.current, f.next = false, nil, newRound(f.next.number+1)
	f.mu.Unlock()
	for _, r := range failed {
		r.err = ErrNoStream
		close(r.done)
	}
}

// Position implements changefeed.Feed: it is the number of the next poll to begin, whatever the log sequence number is. The
// poll will not be long in coming.
func (f *Feed) Position(uint64) uint64 {
	f.mu.Lock()
	number, wake := f.next.number, !f.wanted
	f.wanted = true
	f.mu.Unlock()
	if wake {
		raise(f.wake)
	}
	return number
}

// Settle implements changefeed.Feed. The write has been acknowledged, so the next poll sees it; should there be none, so does
// the one that begins the next stream.
func (f *Feed) Settle(own *freshness.Own) { own.Settle(f.Position(0)) }

// Barrier implements changefeed.Feed.
func (f *Feed) Barrier(ctx context.Context) error {
	f.mu.Lock()
	if !f.live {
		f.mu.Unlock()
		return ErrNoStream
	}
	r, wake := f.next, !f.urgent
	f.urgent, f.wanted = true, true
	f.mu.Unlock()
	if wake {
		raise(f.wake)
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lag implements changefeed.Feed: everything is told that was visible so long ago.
func (f *Feed) Lag() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.told)
}
