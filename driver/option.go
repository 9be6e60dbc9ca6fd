package driver

import (
	"context"
	"database/sql/driver"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/cachestore"
)

// Option changes what a connector is made of.
type Option func(*options)

type options struct {
	logger        *slog.Logger
	store         cachestore.Store
	beforeConnect func(context.Context, *pgx.ConnConfig) error
	afterConnect  func(context.Context, *pgx.Conn) error
	resetSession  func(context.Context, *pgx.Conn) error
	// perSession is set when sessions may differ from each other in ways that only their own connection shows.
	perSession bool
	// fresh dials connections that nobody used before, where the connector gives used ones.
	fresh driver.Connector
	// place names the server and the database.
	place string
	// server is where the connector leads.
	server    Server
	observers observers
}

func optionsOf(opts []Option) options {
	o := options{logger: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	o.perSession = o.hooks()
	return o
}

// hooks tells whether code of the user's has a hand in what a session is.
func (o *options) hooks() bool {
	return o.beforeConnect != nil || o.afterConnect != nil || o.resetSession != nil
}

// stdlib gives the options of pgx's own that ours stand for.
func (o *options) stdlib() []stdlib.OptionOpenDB {
	var list []stdlib.OptionOpenDB
	if o.beforeConnect != nil {
		list = append(list, stdlib.OptionBeforeConnect(o.beforeConnect))
	}
	if o.afterConnect != nil {
		list = append(list, stdlib.OptionAfterConnect(o.afterConnect))
	}
	if o.resetSession != nil {
		list = append(list, stdlib.OptionResetSession(o.resetSession))
	}
	return list
}

// WithLogger sets where the connector logs. The default is slog.Default() when the connector is made.
func WithLogger(logger *slog.Logger) Option { return func(o *options) { o.logger = logger } }

// WithStore keeps entries in a store of the caller's instead of the one that pgcache_store names. The connector closes it. A store
// that other processes use too has to implement cachestore.Lessor and cachestore.Ledger; then this process's memory stands in
// front of it, as it does in front of Redis.
func WithStore(store cachestore.Store) Option { return func(o *options) { o.store = store } }

// WithBeforeConnect is stdlib.OptionBeforeConnect: a hook that may change the configuration before each dial. With it, a
// connection is dialled before it answers from the cache, since only then it is known whose session it is.
func WithBeforeConnect(hook func(context.Context, *pgx.ConnConfig) error) Option {
	return func(o *options) { o.beforeConnect = hook }
}

// WithAfterConnect is stdlib.OptionAfterConnect: a hook that prepares each new connection. With it, a connection is dialled
// before it answers from the cache.
func WithAfterConnect(hook func(context.Context, *pgx.Conn) error) Option {
	return func(o *options) { o.afterConnect = hook }
}

// WithResetSession is stdlib.OptionResetSession: a hook that runs each time a connection is taken from the pool again. With
// it, a connection's state is read back from the server (one short round trip) after each run of the hook, before anything
// is answered from the cache.
func WithResetSession(hook func(context.Context, *pgx.Conn) error) Option {
	return func(o *options) { o.resetSession = hook }
}
