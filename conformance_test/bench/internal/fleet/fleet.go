// Package fleet opens a database in many ways: through caches of one process, and through such that share a store, so that their
// answers come from Redis, or from the peer that owns the key.
package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // what the caches are held against

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// MostAtOnce is how many connections are kept, or pgx would dial all the time.
const MostAtOnce = 64

// DB is the database, seen in one way.
type DB struct {
	*sql.DB

	Connector *driver.Connector // nil for pgx
}

// Fleet is a database, and what caches in front of it share.
type Fleet struct {
	Redis *testenv.Redis

	dsn  string
	dir  string
	ends []func() error
}

// Over is a fleet whose caches share nothing but the database.
func Over(dsn string) *Fleet { return &Fleet{dsn: dsn} }

// Start starts a Redis for caches in front of a database.
func Start(ctx context.Context, dsn string) (f *Fleet, err error) {
	f = Over(dsn)
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if f.Redis, err = testenv.StartRedis(ctx, testenv.Options{}); err != nil {
		return nil, err
	}
	f.Later(f.Redis.Close)
	if f.dir, err = os.MkdirTemp("", "pgcache-bench-"); err != nil {
		return nil, err
	}
	f.Later(func() error { return os.RemoveAll(f.dir) })
	return f, nil
}

// Later has Close call end, before all that came earlier.
func (f *Fleet) Later(end func() error) { f.ends = append(f.ends, end) }

// Close closes all that was opened.
func (f *Fleet) Close() (err error) {
	for _, end := range f.ends {
		defer func() { err = errors.Join(err, end()) }()
	}
	return err
}

// Pgx opens the database with nothing in front. The DSN may be another way to the same database.
func (f *Fleet) Pgx(dsn string) (DB, error) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return DB{}, err
	}
	db.SetMaxIdleConns(MostAtOnce)
	f.Later(db.Close)
	return DB{DB: db}, nil
}

// Open opens the database through a cache of its own, which keeps everything for an hour unless the parameters say something else.
func (f *Fleet) Open(params url.Values) (DB, error) { return f.OpenAt(f.dsn, params) }

// OpenAt is Open for another way to the same database.
func (f *Fleet) OpenAt(dsn string, params url.Values) (DB, error) {
	if !params.Has("pgcache") && !params.Has("pgcache_rule") {
		params.Set("pgcache_rule", "all: * ttl=1h")
	}
	if params.Has("pgcache_store") {
		params.Set("pgcache_timeout", "5s") // a busy machine is no fault of Redis
	}
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	connector, err := driver.NewConnector(dsn + separator + params.Encode())
	if err != nil {
		return DB{}, fmt.Errorf("open through a cache: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(MostAtOnce)
	f.Later(db.Close)
	return DB{db, connector}, nil
}
