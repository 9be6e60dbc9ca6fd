package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// bench is what the cases need, and how it is closed.
type bench struct {
	*fleet.Fleet

	bare *goredis.Client
}

// shapes are the shapes of what is asked for.
var shapes = []*shape.Shape{&shape.One, &shape.Thousand}

func open(ctx context.Context) (b *bench, err error) {
	server, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return nil, err
	}
	f, err := fleet.Start(ctx, server.DSN(""))
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	b = &bench{Fleet: f, bare: goredis.NewClient(&goredis.Options{Addr: f.Redis.Addr(), Password: f.Redis.Password()})}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	b.Later(server.Close)
	b.Later(b.bare.Close)
	pgx, err := b.Pgx(server.DSN(""))
	if err != nil {
		return nil, err
	}
	_, err = pgx.ExecContext(ctx, shape.Tables)
	return b, err
}

func (b *bench) cases(ctx context.Context) ([]*measured, error) {
	peers, err := b.OnPeers(ctx)
	if err != nil {
		return nil, err
	}
	var all []*measured
	for _, s := range shapes {
		list, err := b.casesOf(ctx, s, peers)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// asker gives what gives what asks for one of the keys and reads the answer.
func asker(ctx context.Context, s *shape.Shape, db fleet.DB) func() func(n int) error {
	return func() func(int) error {
		ask := s.Ask(ctx, db.DB)
		return func(n int) error { return ask(n % fleet.Keys) }
	}
}

func (b *bench) casesOf(ctx context.Context, s *shape.Shape, peers fleet.Pair) ([]*measured, error) {
	memory, err := b.Open(url.Values{"pgcache_feed": {"none"}})
	if err != nil {
		return nil, err
	}
	if err := fleet.Warm(ctx, memory, s); err != nil {
		return nil, err
	}
	list := []*measured{{name: "memory " + s.Name, asker: asker(ctx, s, memory)}}
	var values [][]byte
	for _, feed := range []string{"none", "wal"} {
		cases, stored, err := b.redisCases(ctx, s, feed)
		if err != nil {
			return nil, err
		}
		list, values = append(list, cases...), stored
	}
	cases, err := b.peerCases(ctx, s, peers, values)
	return append(list, cases...), err
}

// redisCases are Redis without the driver, and with it. It also gives what Redis has.
func (b *bench) redisCases(ctx context.Context, s *shape.Shape, feed string) ([]*measured, [][]byte, error) {
	namespace := strings.ReplaceAll(s.Name, "×", "x") + feed
	pair, err := b.OnRedis(feed, namespace)
	if err != nil {
		return nil, nil, err
	}
	if err := pair.Fill(ctx, s); err != nil {
		return nil, nil, err
	}
	names, err := b.entries(ctx, namespace)
	if err != nil {
		return nil, nil, err
	}
	values, err := b.bareGET(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	get, asks, bytes := "GET, "+feed+" "+s.Name, "pipeline, "+feed+" "+s.Name, len(values[0])
	return []*measured{
		{name: get, bytes: bytes, asker: same(func(n int) error {
			_, err := b.bare.Get(ctx, names[n%len(names)]).Bytes()
			return err
		})},
		{name: asks, bytes: bytes, against: []string{get}, asker: same(func(n int) error {
			return b.asHit(ctx, names[n%len(names)], feed == "none")
		})},
		{
			name: "Redis, feed=" + feed + " " + s.Name, bytes: bytes, asker: asker(ctx, s, pair.Small),
			connector: pair.Small.Connector, against: []string{get, asks},
		},
	}, values, nil
}

// same is for what goroutines can share.
func same(ask func(int) error) func() func(int) error { return func() func(int) error { return ask } }

// entries are the names of the entries in Redis.
func (b *bench) entries(ctx context.Context, namespace string) (names []string, err error) {
	all := b.bare.Scan(ctx, 0, namespace+":*entry:*", 1000).Iterator()
	for all.Next(ctx) {
		names = append(names, all.Val())
	}
	if len(names) < fleet.Keys {
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
