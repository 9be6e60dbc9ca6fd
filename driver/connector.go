package driver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver/internal/command"
	"github.com/gopgcache/pgcache/dsn"
)

var (
	_ driver.Connector = (*Connector)(nil)
	_ io.Closer        = (*Connector)(nil)
)

// Connector opens connections that share one cache. It is safe for concurrent use. sql.DB.Close closes it.
type Connector struct {
	pgx   driver.Connector
	cache *cache // nil when there is nothing to cache: then connections are pgx's own
	// server is where it leads, as far as the configuration says.
	server Server
	closed sync.Once
}

// Server is a PostgreSQL server and a database of its.
type Server struct {
	Host     string // a name, an address, or the directory of a socket
	Port     uint16
	Database string
}

func serverOf(base *pgx.ConnConfig) Server { return Server{base.Host, base.Port, base.Database} }

// serverIn is serverOf for a connection string. What is wrong with that is reported by who dials.
func serverIn(config *dsn.Config) Server {
	if !config.Enabled() || config.Registered() {
		return Server{}
	}
	base, err := config.ConnConfig()
	if err != nil {
		return Server{}
	}
	return serverOf(base)
}

// Server tells where the connector leads, as the configuration says: the first host, if that names several. It is empty for a
// configuration that is registered with pgx's stdlib, and for a connector without a rule.
func (c *Connector) Server() Server { return c.server }

// NewConnector makes a connector from a connection string: what pgx takes, with pgcache parameters. It does not dial. The
// error is a *dsn.Error, and names the parameter at fault.
func NewConnector(connString string, opts ...Option) (*Connector, error) {
	config, err := dsn.Parse(connString)
	if err != nil {
		return nil, err
	}
	o := optionsOf(opts)
	if o.hooks() {
		base, err := pgx.ParseConfig(config.Base)
		if err != nil {
			return nil, fmt.Errorf("pgcache: %w", err)
		}
		o.place, o.server = place(base), serverOf(base)
		return newConnector(config, stdlib.GetConnector(*base, o.stdlib()...), o)
	}
	if o.place, err = placeOf(config); err != nil {
		return nil, err
	}
	o.server = serverIn(config)
	base, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(config.Base)
	if err != nil {
		return nil, fmt.Errorf("pgcache: %w", err)
	}
	return newConnector(config, base, o)
}

// NewConnectorConfig makes a connector from a pgx configuration. The pgcache parameters come from params, written as in a
// keyword/value connection string: "pgcache_rule='hot: table=products ttl=10m'".
func NewConnectorConfig(base *pgx.ConnConfig, params string, opts ...Option) (*Connector, error) {
	config, err := parseParams(params)
	if err != nil {
		return nil, err
	}
	o := optionsOf(opts)
	o.perSession = o.perSession || ownHooks(&base.Config)
	o.place, o.server = place(base), serverOf(base)
	return newConnector(config, stdlib.GetConnector(*base, o.stdlib()...), o)
}

// ownHooks tells whether a configuration has hooks that may make sessions differ.
func ownHooks(config *pgconn.Config) bool {
	return config.AfterConnect != nil || config.ValidateConnect != nil
}

// NewConnectorPool makes a connector whose connections come from a pgx pool. Like stdlib.GetPoolConnector it wants a sql.DB
// that keeps no idle connections; [OpenDBPool] sees to that. Closing the connector leaves the pool open.
//
// Other users of the pool may leave settings behind on its connections, so the state of each is read back (one short
// round trip) before a result that it read is kept; and statements that they have prepared there may have been planned under
// other settings, so what is to be kept is planned anew (another one).
func NewConnectorPool(pool *pgxpool.Pool, params string, opts ...Option) (*Connector, error) {
	config, err := parseParams(params)
	if err != nil {
		return nil, err
	}
	o := optionsOf(opts)
	hooks := pool.Config()
	o.perSession = o.perSession || ownHooks(&hooks.ConnConfig.Config) || hooks.AfterConnect != nil || hooks.BeforeConnect != nil ||
		hooks.BeforeAcquire != nil || hooks.PrepareConn != nil //nolint:staticcheck // deprecated, and still in use
	o.fresh = stdlib.GetConnector(*hooks.ConnConfig)
	o.place, o.server = place(hooks.ConnConfig), serverOf(hooks.ConnConfig)
	return newConnector(config, stdlib.GetPoolConnector(pool, o.stdlib()...), o)
}

// parseParams reads parameters of ours that stand alone.
func parseParams(params string) (*dsn.Config, error) {
	config, err := dsn.Parse(params)
	if err != nil {
		return nil, err
	}
	if config.Base != "" {
		return nil, fmt.Errorf("pgcache: only pgcache parameters are allowed here, not %q", dsn.Redact(config.Base))
	}
	return config, nil
}

func newConnector(config *dsn.Config, base driver.Connector, o options) (*Connector, error) {
	if err := config.Unsupported(); err != nil {
		return nil, err
	}
	c := &Connector{pgx: base, server: o.server}
	if config.Enabled() {
		var err error
		if c.cache, err = newCache(config, base, o); err != nil {
			return nil, err
		}
		tell(o.observers.opened, c)
	}
	return c, nil
}

// OpenDB opens a database on a connection string, and reports what is wrong with the string at once.
func OpenDB(connString string, opts ...Option) (*sql.DB, error) {
	connector, err := NewConnector(connString, opts...)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// OpenDBPool opens a database on a pgx pool, as stdlib.OpenDBFromPool does: the sql.DB keeps no idle connections, and
// closing it leaves the pool open.
func OpenDBPool(pool *pgxpool.Pool, params string, opts ...Option) (*sql.DB, error) {
	connector, err := NewConnectorPool(pool, params, opts...)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(0)
	return db, nil
}

// Connect gives a connection. It does not dial: the first statement that needs PostgreSQL does. Without a rule the
// connection is pgx's own, and dialled.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	if c.cache == nil {
		return c.pgx.Connect(ctx)
	}
	return newConn(c.cache), nil
}

// Driver gives pgx's driver, since libraries that look at the type of sql.DB.Driver look for that.
func (c *Connector) Driver() driver.Driver { return c.pgx.Driver() }

// Close stops what runs in the background, waits for it, and drops the cache. Connections that are still open go on
// without it. Closing twice is allowed.
func (c *Connector) Close() error {
	if c.cache == nil {
		return nil
	}
	err := c.cache.close()
	c.closed.Do(func() { tell(c.cache.observers.closed, c) })
	return err
}

// Stats tells what the cache has done since the connector was made. Without a rule it is all zero.
func (c *Connector) Stats() Stats {
	if c.cache == nil {
		return Stats{}
	}
	return c.cache.snapshot()
}

// Invalidate makes every answer that depends on the table stale. The name is schema.table, or a table to be found along
// the search_path; it is resolved on a connection of its own.
func (c *Connector) Invalidate(ctx context.Context, table string) error {
	if c.cache == nil {
		return nil
	}
	name, err := command.ParseName(table)
	if err != nil {
		return err
	}
	conn := newConn(c.cache)
	return errors.Join(conn.invalidate(ctx, name), conn.Close())
}

// Flush makes every answer stale and empties the store.
func (c *Connector) Flush(ctx context.Context) error {
	if c.cache == nil {
		return nil
	}
	return c.cache.flush(ctx)
}
