package driver

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/setup"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// follower follows the changes that others make, through a feed.
type follower struct {
	cache    *cache
	kind     string // wal, relay or touch
	covers   setup.Kind
	tracker  *freshness.Tracker
	feed     changefeed.Feed
	interest changefeed.Interest
	// common is set when positions mean the same in every process that follows the server, so that entries can be shared.
	common bool
	// events is set when changes of the schema and of the publication are told as well, by event triggers.
	events atomic.Bool
	// late is until when the feed counts as late, in Unix nanoseconds.
	late atomic.Int64
	// generation names the server's history that positions belong to.
	generation atomic.Pointer[string]
}

var (
	_ changefeed.Sink      = (*follower)(nil)
	_ changefeed.EventSink = (*follower)(nil)
)

// Events implements changefeed.EventSink. The level strict can be had with them only.
func (fw *follower) Events(told bool) {
	if fw.events.Swap(told) != told {
		fw.cache.feed.changes.Add(1)
	}
}

// Start implements changefeed.Sink.
func (fw *follower) Start(generation string, position, after uint64) {
	c := fw.cache
	// A verdict names the generation in its keys; and of changes of the schema since the last stream nothing was told.
	fw.generation.Store(&generation)
	c.schemaChanges()
	fw.tracker.Start(position, after)
	c.schemaChanges() // what the catalog said in between was not held against the stream
	c.setFollower(fw)
	c.observers.feedChanged(fw.kind, true, nil)
}

// Commit implements changefeed.Sink.
func (fw *follower) Commit(commit freshness.Commit, schema bool) {
	commit.Schema = schema
	fw.tracker.Commit(commit)
	if schema {
		// Before the feed passes the commit: a fill that is admitted then has to see that its verdict is old. And after the tracker
		// knows it: who asks the catalog from now on is held against it.
		fw.cache.schemaChanges()
	}
	switch {
	case schema:
		fw.cache.observers.stale(SourceSchema, commit.Everything)
	case commit.Everything || len(commit.Tags) > 0:
		fw.cache.observers.stale(SourceFeed, commit.Everything)
	}
}

// Pass implements changefeed.Sink.
func (fw *follower) Pass(position uint64) { fw.tracker.Pass(position) }

// Observe takes a snapshot that the feed has seen.
func (fw *follower) Observe(s freshness.Snapshot) { fw.tracker.Observe(s) }

// Lose implements changefeed.Sink.
func (fw *follower) Lose(err error) {
	fw.tracker.Lose()
	if background := fw.cache.background.ctx; background.Err() == nil {
		fw.cache.warn(background, "pgcache: the feed of changes is lost", "feed", fw.kind, "error", err)
		fw.cache.observers.feedChanged(fw.kind, false, err)
	}
	if fw.cache.config.Consistency == dsn.ConsistencyAuto {
		fw.cache.background.run(fw.giveUp)
	}
}

// feedPatience is how long a lost feed may take to come back before auto means ttl again. Until then PostgreSQL is asked.
const feedPatience = 30 * time.Second

// giveUp ends the level tracked, where it was not asked for by name, unless the feed comes back in time.
func (fw *follower) giveUp(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(feedPatience):
		if !fw.tracker.Live() && fw.cache.feed.inForce.Load() == fw {
			fw.cache.logger.WarnContext(ctx, "pgcache: the feed of changes stays away; until it is back the level is ttl", "feed", fw.kind)
			fw.cache.setFollower(nil)
		}
	}
}

// setFollower says which feed there is, or that there is none. Verdicts are given anew.
func (c *cache) setFollower(fw *follower) {
	if c.feed.inForce.Swap(fw) != fw {
		c.feed.changes.Add(1)
	}
}

// wrote tells the feed's side of an own write that is about to be acknowledged: until the feed has delivered it, whoever
// asks gets it from PostgreSQL.
func (c *cache) wrote(changes []freshness.Change, everything bool) {
	fw := c.feed.running.Load()
	if fw == nil || len(changes) == 0 && !everything {
		return
	}
	everything = everything || !fw.tracker.SchemaSeen() // who knows what it led to
	fw.feed.Settle(fw.tracker.Own(changes, everything))
}

// ownDelivered tells whether the feed has delivered what this process wrote itself. Until it has, nothing that was kept is fresh, and
// nothing that is made now can be kept in time.
func (fw *follower) ownDelivered(tags []freshness.Tag) bool {
	return fw.common && fw.tracker.OwnDelivered(tags)
}

// How long a strict hit waits for the feed before PostgreSQL is asked instead. Usually it waits as long as SELECT 1 takes. Where
// there is no processor to spare it takes longer, and so would PostgreSQL: to send everybody there would make it worse. So
// they wait for as long as a query may be held up. But a feed that is really late would hold up each of them as long, so for a
// while after one has waited in vain nobody waits for longer than a moment.
const (
	strictMoment = 5 * time.Millisecond
	strictWhile  = 250 * time.Millisecond
)

// confirm tells whether the feed has delivered every commit that was visible when confirm was called, waiting for it a little.
func (fw *follower) confirm(ctx context.Context) bool {
	patience := max(fw.cache.config.Timeout, strictMoment)
	if time.Now().UnixNano() < fw.late.Load() {
		patience = strictMoment
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := fw.feed.Barrier(bounded)
	if err != nil && patience > strictMoment && bounded.Err() != nil && ctx.Err() == nil {
		fw.late.Store(time.Now().Add(strictWhile).UnixNano())
	}
	return err == nil && fw.events.Load() // what it saw of those is known by now
}

// keyPart names the order of commits that the positions of entries belong to.
func (fw *follower) keyPart() string {
	switch {
	case fw == nil:
		return ""
	case fw.common: // whether it is relayed or not, the commits are the same
		return dsn.FeedWAL.String() + strconv.Quote(*fw.generation.Load())
	default:
		return fw.kind + strconv.Quote(*fw.generation.Load())
	}
}

// askTracking finds out how well the feed follows the tables of an answer, and by which columns it can tell their rows.
func (c *cache) askTracking(ctx context.Context, conn *pgconn.PgConn, a *answer) error {
	fw := c.feed.running.Load()
	if fw == nil || len(a.Relations) == 0 {
		return nil
	}
	read := a.Tables()
	tables := make([]uint32, len(read))
	for i, r := range read {
		tables[i] = r.OID
	}
	covered, err := setup.Covered(ctx, conn, fw.covers, c.config.Publication, tables)
	if err != nil {
		return err
	}
	var missing []string
	for _, r := range read {
		if covered[r.OID] == 0 {
			missing = append(missing, r.String())
		}
	}
	if missing != nil {
		a.untracked = "the feed does not tell of " + strings.Join(missing, ", ") + ": SHOW pgcache.feed says why"
		return nil
	}
	// In this order: who wrote before the tables were covered has begun by now.
	columns, err := catalog.AskColumns(ctx, conn, tables)
	if err != nil {
		return err
	}
	a.after = columns.After
	if !fw.events.Load() && c.wantsStrict() {
		told, err := setup.Events(ctx, conn)
		if err != nil {
			return err
		}
		fw.Events(told)
	}
	if fw.covers == setup.WAL {
		a.columns = columns.List // the touch log does not tell rows apart
	}
	return nil
}
