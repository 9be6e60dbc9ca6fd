package driver

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
	"github.com/gopgcache/pgcache/internal/freshness"
)

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

// followFrom begins to follow the changes of the server that a connection leads to, the first time that it is called.
func (c *cache) followFrom(conn *pgx.Conn) {
	c.followOnce.Do(func() {
		if !wantsFeed(c.config) {
			return
		}
		config := conn.Config()
		c.goBackground(func(ctx context.Context) { c.follow(ctx, config) })
	})
}

// follow chooses a feed and runs it until the connector is closed.
func (c *cache) follow(ctx context.Context, config *pgx.ConnConfig) {
	for ctx.Err() == nil {
		kind, err := c.chooseFeed(ctx, config)
		if err == nil {
			c.run(ctx, kind, config)
			return
		}
		if !errors.Is(err, errNothingInstalled) {
			c.warn(ctx, "pgcache: no feed of changes yet", "error", err)
		}
		c.noFeed.Store(&err)
		select {
		case <-ctx.Done():
		case <-c.installed: // something may have changed
		}
	}
}

// errNothingInstalled is why auto follows nothing.
var errNothingInstalled = errors.New("pgcache: there is nothing to follow changes by: CALL pgcache.install() sets it up")

// chooseFeed says which feed to run.
func (c *cache) chooseFeed(ctx context.Context, config *pgx.ConnConfig) (dsn.Feed, error) {
	if c.config.Feed != dsn.FeedAuto {
		return c.config.Feed, nil
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var published bool
	const question = "select exists (select from pg_catalog.pg_publication where pubname = $1)"
	if err := conn.QueryRow(ctx, question, c.config.Publication).Scan(&published); err != nil {
		return 0, fmt.Errorf("pgcache: looking for a publication: %w", err)
	}
	if published {
		return dsn.FeedWAL, nil
	}
	return 0, errNothingInstalled
}

// run runs a feed until the connector is closed.
func (c *cache) run(ctx context.Context, kind dsn.Feed, config *pgx.ConnConfig) {
	tr := &track{cache: c, kind: kind.String(), tracker: freshness.NewTracker()}
	tr.feed = wal.New(wal.Config{
		Connect: &config.Config, Publication: c.config.Publication, Sink: tr, Interest: &tr.interest, Logger: c.logger,
	})
	c.following.Store(tr)
	if err := tr.feed.Run(ctx); err != nil && ctx.Err() == nil {
		tr.Lose(err)
	}
}
