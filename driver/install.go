package driver

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/gopgcache/pgcache/driver/internal/command"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/changefeed/setup"
	"github.com/gopgcache/pgcache/internal/rowset"
	"github.com/gopgcache/pgcache/internal/statement"
)

// feedKind is what the connection string's feed needs in the database: for auto the stream of the WAL.
func (c *cache) feedKind() setup.Kind {
	if c.config.Feed == dsn.FeedTouch {
		return setup.Touch
	}
	return setup.WAL
}

// install is CALL pgcache.install(): it puts into the database what the feed needs, for one table or for all.
func (c *Conn) install(ctx context.Context, of *command.Command, args []driver.NamedValue) (*rowset.Set, error) {
	var names []statement.Name
	if of.List != "" {
		table, err := of.Table(args)
		if err != nil {
			return nil, err
		}
		names = append(names, table)
	}
	std, err := c.inner.conn(ctx)
	if err != nil {
		return nil, err
	}
	report, err := setup.Install(ctx, std.Conn().PgConn(), c.cache.feedKind(), c.cache.config.Publication, names...)
	if err != nil {
		return nil, err
	}
	c.cache.setupChanged(report.State)
	return items(report.Items), nil
}

// uninstall is CALL pgcache.uninstall(): it takes everything out again.
func (c *Conn) uninstall(ctx context.Context, of *command.Command) (*rowset.Set, error) {
	if err := of.None(); err != nil {
		return nil, err
	}
	std, err := c.inner.conn(ctx)
	if err != nil {
		return nil, err
	}
	report, err := setup.Uninstall(ctx, std.Conn().PgConn(), c.cache.config.Publication)
	if err != nil {
		return nil, err
	}
	c.cache.setupChanged(report.State)
	return items(report.Items), nil
}

// setupChanged is called when what the feed needs was installed or taken away.
func (c *cache) setupChanged(state *setup.State) {
	c.schemaChanges()
	select {
	case c.feed.installed <- struct{}{}:
	default:
	}
	if fw := c.feed.running.Load(); fw != nil {
		fw.Events(state.Events)
		fw.retry()
	}
}

// retry has a feed that waits for its server to be mended look again at once.
func (fw *follower) retry() {
	if feed, ok := fw.feed.(interface{ Retry() }); ok {
		feed.Retry()
	}
}

// showFeed is SHOW pgcache.feed: what is installed, what is missing, and what to do about it.
func (c *Conn) showFeed(ctx context.Context) (*rowset.Set, error) {
	std, err := c.inner.conn(ctx)
	if err != nil {
		return nil, err
	}
	kind := c.cache.feedKind()
	if fw := c.cache.feed.running.Load(); fw != nil {
		kind = fw.covers // the other is of no use to this program
	} else if c.cache.config.Feed == dsn.FeedAuto {
		kind = setup.WAL | setup.Touch
	}
	state, err := setup.Inspect(ctx, std.Conn().PgConn(), kind, c.cache.config.Publication)
	if err != nil {
		return nil, err
	}
	return items(append([]setup.Item{c.cache.feedItem()}, state.Items()...)), nil
}

// feedItem tells how it stands with the feed itself.
func (c *cache) feedItem() setup.Item {
	item := setup.Item{Name: "feed", State: "none: level " + c.inForce()}
	fw, why := c.feed.inForce.Load(), c.feed.none.Load()
	switch {
	case fw != nil && !fw.tracker.Live():
		item.State = "lost: it is being tried again, and PostgreSQL is asked meanwhile"
	case fw != nil:
		item.State = fmt.Sprintf("%s: level %s, %d ms behind", fw.kind, c.inForce(), fw.feed.Lag().Milliseconds())
	case c.feed.running.Load() != nil:
		item.State = "lost: it is being tried again; the level is " + c.inForce() + " meanwhile"
	case why != nil:
		item.State += ": " + (*why).Error()
	}
	return item
}

func items(list []setup.Item) *rowset.Set {
	rows := make([][]string, len(list))
	for i, item := range list {
		rows[i] = []string{item.Name, item.State, item.ToDo}
	}
	return rowset.Table([]string{"item", "state", "to_do"}, rows)
}
