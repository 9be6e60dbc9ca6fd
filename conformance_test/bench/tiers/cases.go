package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// bench is what the cases need, and how it is closed.
type bench struct {
	dsn   string
	redis *testenv.Redis
	bare  *goredis.Client
	dir   string
	ends  []func() error
}

func (b *bench) later(end func() error) { b.ends = append(b.ends, end) }

func (b *bench) close() (err error) {
	for _, end := range b.ends {
		defer func() { err = errors.Join(err, end()) }()
	}
	return err
}

// mostAtOnce is how many connections are kept, or connections would be made all the time.
const mostAtOnce = 64

// keys is how many results there are of each shape: far more than a memory tier of the least size holds.
const keys = 50

const tables = `create table three as
  select g::bigint as id, 'owner number ' || g as owner, timestamptz '2026-01-01' + g * interval '1 minute' as since
  from generate_series(1001, 2000) g;
alter table three add primary key (id); analyze three;`

// shape is one shape of results, of which there are as many as keys.
type shape struct {
	name string
	sql  string
	arg  func(n int) int64
	rows int
}

var shapes = []shape{
	{"1×3", "select id, owner, since from three where id = $1", func(n int) int64 { return int64(1001 + n%keys) }, 1},
	{"1000×3", "select id, owner, since from three where id > $1", func(n int) int64 { return int64(n % keys) }, 1000},
}

func (b *bench) cases(ctx context.Context) ([]*measured, error) {
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	var all []*measured
	for i := range shapes {
		list, err := b.casesOf(ctx, &shapes[i])
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func (b *bench) open(ctx context.Context) (err error) {
	server, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return err
	}
	b.later(server.Close)
	if b.redis, err = testenv.StartRedis(ctx, testenv.Options{}); err != nil {
		return err
	}
	b.later(b.redis.Close)
	if b.dir, err = os.MkdirTemp("", "pgcache-tiers-"); err != nil {
		return err
	}
	b.later(func() error { return os.RemoveAll(b.dir) })
	b.bare = goredis.NewClient(&goredis.Options{Addr: b.redis.Addr(), Password: b.redis.Password()})
	b.later(b.bare.Close)
	b.dsn = server.DSN("")
	db, _, err := b.through(url.Values{"pgcache": {"off"}})
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, tables)
	return err
}

// through opens the database through a cache of its own.
func (b *bench) through(params url.Values) (*sql.DB, *driver.Connector, error) {
	if !params.Has("pgcache") {
		params.Set("pgcache_rule", "all: * ttl=1h")
		params.Set("pgcache_timeout", "5s") // a busy machine is no fault of Redis
	}
	connector, err := driver.NewConnector(b.dsn + "&" + params.Encode())
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxIdleConns(mostAtOnce)
	b.later(db.Close)
	return db, connector, nil
}

// least is the least memory that there can be.
const least = "4KiB"

// filled opens two caches on the same store, with a database between whose tiers nothing is shared but that: the first is filled, and
// the second has hardly any memory. It gives the second.
func (b *bench) filled(ctx context.Context, s *shape, params func(i int) url.Values) (*sql.DB, *driver.Connector, error) {
	if _, _, err := b.warm(ctx, s, params(0)); err != nil {
		return nil, nil, err
	}
	small := params(1)
	small.Set("pgcache_memory", least)
	return b.warm(ctx, s, small)
}

// warm asks for all keys until most answers come from the cache or the fleet.
func (b *bench) warm(ctx context.Context, s *shape, params url.Values) (*sql.DB, *driver.Connector, error) {
	db, connector, err := b.through(params)
	if err != nil {
		return nil, nil, err
	}
	ask := s.newAsk(ctx, db)
	for began := time.Now(); time.Since(began) < time.Minute; {
		hits := connector.Stats().Hits
		for n := range keys {
			if err := ask(n); err != nil {
				return nil, nil, err
			}
		}
		if connector.Stats().Hits-hits >= keys*9/10 {
			return db, connector, nil
		}
	}
	return nil, nil, fmt.Errorf("few hits: %+v", connector.Stats())
}

// asker gives what gives what asks for one of the keys and reads the answer.
func (s *shape) asker(ctx context.Context, db *sql.DB) func() func(n int) error {
	return func() func(int) error { return s.newAsk(ctx, db) }
}

func (s *shape) newAsk(ctx context.Context, db *sql.DB) func(n int) error {
	var id int64
	var owner string
	var since time.Time
	into := []any{&id, &owner, &since}
	return func(n int) error {
		rows, err := db.QueryContext(ctx, s.sql, s.arg(n))
		if err != nil {
			return err
		}
		defer rows.Close()
		count := 0
		for ; rows.Next(); count++ {
			if err := rows.Scan(into...); err != nil {
				return err
			}
		}
		if count != s.rows {
			return fmt.Errorf("%d rows", count)
		}
		return rows.Err()
	}
}

func (b *bench) casesOf(ctx context.Context, s *shape) ([]*measured, error) {
	memory, _, err := b.warm(ctx, s, url.Values{"pgcache_feed": {"none"}})
	if err != nil {
		return nil, err
	}
	list := []*measured{{name: "memory " + s.name, asker: s.asker(ctx, memory)}}
	var values [][]byte
	for _, feed := range []string{"none", "wal"} {
		namespace := strings.ReplaceAll(s.name, "×", "x") + feed
		db, connector, err := b.filled(ctx, s, func(int) url.Values {
			return url.Values{
				"pgcache_store": {"redis"}, "pgcache_redis": {b.redis.URL()}, "pgcache_feed": {feed}, "pgcache_namespace": {namespace},
			}
		})
		if err != nil {
			return nil, err
		}
		get, asks := "GET, "+feed+" "+s.name, "pipeline, "+feed+" "+s.name
		names, err := b.entries(ctx, namespace)
		if err != nil {
			return nil, err
		}
		if values, err = b.bareGET(ctx, names); err != nil {
			return nil, err
		}
		list = append(list,
			&measured{name: get, bytes: len(values[0]), asker: same(func(n int) error {
				_, err := b.bare.Get(ctx, names[n%len(names)]).Bytes()
				return err
			})},
			&measured{name: asks, bytes: len(values[0]), against: []string{get}, asker: same(func(n int) error {
				return b.asHit(ctx, names[n%len(names)], feed == "none")
			})},
			&measured{
				name: "Redis, feed=" + feed + " " + s.name, bytes: len(values[0]), asker: s.asker(ctx, db), connector: connector,
				against: []string{get, asks},
			})
	}
	return b.peerCases(ctx, s, list, values)
}

// same is for what goroutines can share.
func same(ask func(int) error) func() func(int) error { return func() func(int) error { return ask } }

// entries are the names of the entries in Redis.
func (b *bench) entries(ctx context.Context, namespace string) (names []string, err error) {
	all := b.bare.Scan(ctx, 0, namespace+":*entry:*", 1000).Iterator()
	for all.Next(ctx) {
		names = append(names, all.Val())
	}
	if len(names) < keys {
		return nil, errors.Join(all.Err(), fmt.Errorf("%d entries in Redis", len(names)))
	}
	return names, all.Err()
}

// bareGET gets the values of all names.
func (b *bench) bareGET(ctx context.Context, names []string) ([][]byte, error) {
	values := make([][]byte, len(names))
	for i, name := range names {
		var err error
		if values[i], err = b.bare.Get(ctx, name).Bytes(); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// asHit asks Redis what a hit asks, in one round trip: how long the entry has to live, the epoch of its bucket, and the entry; and
// where Redis has the ledger too, that.
func (b *bench) asHit(ctx context.Context, name string, ledger bool) error {
	const other = "none"
	pipe := b.bare.Pipeline()
	pipe.PTTL(ctx, name)
	pipe.Get(ctx, other)
	value := pipe.Get(ctx, name)
	if ledger {
		pipe.MGet(ctx, other, other)
		pipe.Exists(ctx, other, other)
		pipe.Info(ctx, "replication")
		pipe.Del(ctx, other)
	}
	if _, err := pipe.Exec(ctx); err != nil && !errors.Is(err, goredis.Nil) {
		return err
	}
	_, err := value.Bytes()
	return err
}
