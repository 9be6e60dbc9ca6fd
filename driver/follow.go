package driver

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/changefeed/setup"
	"github.com/gopgcache/pgcache/internal/changefeed/touch"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// following is how the changes are followed that others make.
type following struct {
	// running is the follower; nil when there is nothing to follow changes by. inForce is the same while it does, and changes counts
	// how often that changed.
	running atomic.Pointer[follower]
	inForce atomic.Pointer[follower]
	changes atomic.Uint64
	once    sync.Once
	// none says why nothing is followed, and installed wakes who waits for that to change.
	none      atomic.Pointer[error]
	installed chan struct{}
}

// wantsFeed tells whether anything asks for more than the level ttl.
func wantsFeed(config *dsn.Config) bool {
	if config.Feed == dsn.FeedNone {
		return false
	}
	wants := config.Consistency != dsn.ConsistencyTTL
	for _, rule := range config.Rules {
		wants = wants || rule.Consistency > dsn.ConsistencyTTL
	}
	return wants
}

// followFrom begins to follow the changes of the server that a connection leads to, the first time that it is called: before
// a session was dialled it is not known whose server it is.
func (c *cache) followFrom(conn *pgx.Conn) {
	c.feed.once.Do(func() {
		if wantsFeed(c.config) {
			config := conn.Config()
			c.background.run(func(ctx context.Context) { c.follow(ctx, config) })
		}
	})
}

// follow chooses a feed and runs it until the connector is closed. While there is nothing to follow changes by it waits for
// somebody to install it.
func (c *cache) follow(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		kind, state, err := c.prepareFeed(ctx, config)
		if severalHosts(config) {
			err = errSeveralHosts
		}
		if err == nil {
			c.run(ctx, kind, state.Events, config)
			return
		}
		c.feed.none.Store(&err)
		c.feed.changes.Add(1) // verdicts that hoped for a feed are given anew
		if !errors.Is(err, setup.ErrNothingInstalled) && ctx.Err() == nil {
			c.warn(ctx, "pgcache: changes made elsewhere are not followed", "error", err)
		}
		c.waitForSetup(ctx, err)
	}
}

// waitForSetup waits until something was installed through this connector, or a moment if the server could not be asked.
func (c *cache) waitForSetup(ctx context.Context, err error) {
	if !permanent(err) {
		pause(ctx)
		return
	}
	select {
	case <-ctx.Done():
	case <-c.feed.installed:
	}
}

// errSeveralHosts is why nothing is followed where a session may be on another server than the feed.
var errSeveralHosts = errors.New("pgcache: changes are not followed where the connection string names several hosts")

// permanent tells whether an error stays until somebody does something.
func permanent(err error) bool {
	return errors.Is(err, setup.ErrNothingInstalled) || errors.Is(err, setup.ErrNotReady) || errors.Is(err, errSeveralHosts)
}

// severalHosts tells whether a session may be on another server than the feed: what one tells means nothing for the other.
func severalHosts(config *pgx.ConnConfig) bool {
	return slices.ContainsFunc(config.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return f.Host != config.Host || f.Port != config.Port
	})
}

// prepareFeed chooses the feed and, where one is asked for by name, installs what is missing for it. With auto nothing is ever
// installed.
func (c *cache) prepareFeed(ctx context.Context, config *pgx.ConnConfig) (setup.Kind, *setup.State, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if c.config.Feed == dsn.FeedAuto {
		return setup.Choose(ctx, conn.PgConn(), c.config.Publication)
	}
	kind := c.feedKind()
	state, err := setup.Prepare(ctx, conn.PgConn(), kind, c.config.Publication)
	return kind, state, err
}

// reads counts the queries that were answered: while it stands still a feed need not hurry.
func (c *cache) reads() uint64 {
	hits, _ := c.stats.hits.total()
	return uint64(hits + c.stats.misses.Load())
}

// run runs a feed until the connector is closed.
func (c *cache) run(ctx context.Context, kind setup.Kind, events bool, config *pgx.ConnConfig) {
	fw := &follower{cache: c, covers: kind, tracker: freshness.NewTracker(), common: kind == setup.WAL}
	follow := wal.Config{
		Connect: &config.Config, Publication: c.config.Publication, Sink: fw, Interest: &fw.interest, Logger: c.logger,
	}
	switch {
	case kind == setup.Touch:
		fw.kind = dsn.FeedTouch.String()
		fw.feed = touch.New(touch.Config{Connect: &config.Config, Sink: fw, Reads: c.reads, Logger: c.logger})
	case c.config.Feed == dsn.FeedRelay:
		feed, end, err := c.newRelay(follow, config)
		if err != nil {
			c.feed.none.Store(&err)
			return
		}
		defer end()
		fw.kind, fw.feed = dsn.FeedRelay.String(), feed
	default:
		fw.kind, fw.feed = dsn.FeedWAL.String(), wal.New(follow)
	}
	fw.events.Store(events)
	c.feed.running.Store(fw)
	if err := fw.feed.Run(ctx); err != nil && ctx.Err() == nil {
		fw.Lose(err)
	}
}
