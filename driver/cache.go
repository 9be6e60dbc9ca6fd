package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/memory"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/advice"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// cache is what the connections of one connector share.
type cache struct {
	config *dsn.Config
	pgx    driver.Connector
	logger *slog.Logger
	store  cachestore.Store // in this process's memory, or the caller's own
	memory *memory.Store    // the same, unless it is the caller's own
	shared *shared          // what is behind it; nil when nothing is
	peers  *peers           // who else there is; nil when this process is alone
	ledger freshness.Ledger
	stats  counters
	// observers are told what goes on.
	observers observers

	// learner learns from all queries in observe mode; nil in the others.
	learner *advice.Observer

	// What is known of texts, of sessions and of the catalog, and who is asking for more.
	texts      texts
	identities identities
	needed     neededSettings
	answers    answers
	asking     calls

	// What is on its way into the store, what may not come out of it any more, and how the changes made elsewhere are followed.
	flights  flights
	cutoffs  cutoffs
	followed followed
	feed     following

	// base is the session that was dialled last and had nothing changed in it since: what a connection that was never
	// dialled would be. It stays nil when perSession is set.
	base       atomic.Pointer[session]
	perSession bool
	// resets is set when a hook of the caller's runs each time a connection comes out of the pool.
	resets bool
	// fresh dials connections that nobody used before, where pgx gives used ones; else nil.
	fresh driver.Connector
	// schema counts the changes of the schema made through this connector. What was learned from the catalog before the
	// latest is not used.
	schema atomic.Uint64

	// altering counts the sessions that have changed the schema in a transaction whose end we have not heard of.
	altering atomic.Int64

	// escaped counts the connections of pgx's that callers have in their hands. What they write there is acknowledged to them before we
	// know of it, so nothing is answered from the cache meanwhile.
	escaped atomic.Int64

	// looking spaces what is asked again because a change of the schema was told of and not visible.
	looking looking

	// storm is until when the schema changes too fast to ask the catalog, in Unix nanoseconds.
	storm atomic.Int64

	// rebasing is set while base is found out again.
	rebasing atomic.Bool

	// reasking is set while old answers of the catalog are being replaced.
	reasking   atomic.Bool
	warned     atomic.Int64 // when the latest warning was logged, in Unix nanoseconds
	background background
	refreshing chan struct{} // one token per background fill
	putting    chan struct{} // one token per entry that a store of the user's own is given in the background
}

// maxRefreshing is how many background fills run at a time. More would compete with the callers' own queries.
const maxRefreshing = 4

func newCache(config *dsn.Config, base driver.Connector, o options) (*cache, error) {
	c := &cache{config: config, pgx: base, logger: o.logger, observers: o.observers}
	c.perSession, c.resets, c.fresh = o.perSession, o.resetSession != nil, o.fresh
	c.background.begin()
	c.feed.installed = make(chan struct{}, 1)
	c.refreshing = make(chan struct{}, maxRefreshing)
	c.putting = make(chan struct{}, maxPutting)
	if config.Mode == dsn.ModeObserve {
		c.learner = advice.New()
	}
	err := c.openTiers(o)
	c.memory, _ = c.store.(*memory.Store)
	return c, err
}

// schemaMoves tells whether the schema has changed since this count of changes, or may be changing.
func (c *cache) schemaMoves(since uint64) bool {
	return c.altering.Load() > 0 || c.schema.Load() != since
}

// schemaChanges makes everything unknown that was learned from the catalog, defaults of roles and databases included.
func (c *cache) schemaChanges() {
	c.schema.Add(1)
	c.base.Store(nil)
}

func (c *cache) close() error {
	c.background.end()
	var err error
	if c.peers != nil {
		err = c.peers.close()
	}
	c.background.wait()
	err = errors.Join(err, c.store.Close())
	if c.shared != nil {
		err = errors.Join(err, c.shared.store.Close())
	}
	return err
}

// warnEvery is how often a thing that goes wrong again and again is logged.
const warnEvery = time.Minute

// warn logs, at most once in a while: what fails in the background may fail with every query.
func (c *cache) warn(ctx context.Context, message string, args ...any) {
	last, now := c.warned.Load(), time.Now().UnixNano()
	if now-last < int64(warnEvery) || !c.warned.CompareAndSwap(last, now) {
		return
	}
	c.logger.WarnContext(ctx, message, args...) //nolint:sloglint // it is a constant where warn is called
}

func (c *cache) flush(ctx context.Context) error {
	c.invalidate(ctx, nil, true)
	err := c.store.Clear(ctx)
	if c.shared != nil {
		err = errors.Join(err, c.shared.store.Clear(ctx))
	}
	return err
}

// invalidate makes stale what was read of the tables until now, or of all.
func (c *cache) invalidate(ctx context.Context, tables []freshness.Tag, all bool) {
	c.stats.invalidations.Add(1)
	if all {
		c.ledger.TouchAll()
		c.cutoffs.addAll()
	} else {
		c.ledger.Touch(tables)
		c.cutoffs.add(tables)
	}
	c.observers.stale(SourceCall, all)
	var told publication
	c.shared.publish(ctx, &told, 0, tables, all)
	c.shared.conclude(&told)
}
