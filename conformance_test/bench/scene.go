package main

import (
	"context"
	"errors"
	"net/url"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// scene is the same database, seen in the ways that are compared.
type scene struct {
	*fleet.Fleet

	pgx, off, hit, miss          fleet.DB
	tracked, trackedMiss, strict fleet.DB
	socket, socketMiss           fleet.DB // there is none where the server has no socket
	redis, peers                 fleet.Pair
	crowd                        crowd
}

// crowd is for many goroutines at once. They leave many connections behind, none of which has prepared much, so nobody else is to
// get one of these.
type crowd struct{ pgx, hit, strict fleet.DB }

// noTime has what is kept be too old whenever it is asked for.
const noTime = "all: * ttl=1ns"

// open makes a database, and opens it in all ways.
func open(ctx context.Context) (_ *scene, err error) {
	server, err := testenv.Find(ctx, testenv.Options{Socket: true})
	if err != nil {
		return nil, err
	}
	name, err := server.CreateDatabase(ctx)
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	end := func() error {
		return errors.Join(server.DropDatabase(context.WithoutCancel(ctx), name), server.Close())
	}
	f, err := fleet.Start(ctx, server.DSN(name))
	if err != nil {
		return nil, errors.Join(err, end())
	}
	f.Later(end)
	s := &scene{Fleet: f}
	if err := s.open(ctx, server.DSN(name), server.SocketDSN(name)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *scene) open(ctx context.Context, tcp, socket string) (err error) {
	for _, db := range []*fleet.DB{&s.pgx, &s.crowd.pgx} {
		if *db, err = s.Pgx(tcp); err != nil {
			return err
		}
	}
	if _, err := s.pgx.ExecContext(ctx, shape.Tables); err != nil {
		return err
	}
	if err := s.cached(); err != nil {
		return err
	}
	for _, db := range []fleet.DB{s.tracked, s.trackedMiss, s.strict, s.crowd.strict} {
		if err := follows(ctx, db); err != nil {
			return err
		}
	}
	return errors.Join(s.onSocket(socket), s.shared(ctx), s.settle(ctx))
}

// settle has the server's process behind each connection have and give up 16 MiB once. Glibc then keeps memory of that size. Until
// then it gives it back to the system after each result of 1 MiB, which makes the next one take up to ten times as long, and what a
// connection happens to have done before would decide whether it is a fast one.
func (s *scene) settle(ctx context.Context) error {
	for _, db := range []fleet.DB{s.pgx, s.socket, s.off, s.miss, s.socketMiss, s.trackedMiss} {
		if db.DB == nil {
			continue
		}
		if _, err := db.ExecContext(ctx, "select length(repeat('x', 16 * 1024 * 1024))"); err != nil {
			return err
		}
	}
	return nil
}

// cached opens the caches of this process alone.
func (s *scene) cached() (err error) {
	for _, way := range []struct {
		db     *fleet.DB
		params url.Values
	}{
		{&s.off, url.Values{"pgcache": {"off"}}},
		{&s.hit, url.Values{"pgcache_feed": {"none"}, "pgcache_memory": {"256MiB"}}},
		{&s.miss, url.Values{"pgcache_feed": {"none"}, "pgcache_rule": {noTime}}},
		// The same with changes followed by logical replication.
		{&s.tracked, url.Values{"pgcache_feed": {"wal"}}},
		{&s.trackedMiss, url.Values{"pgcache_feed": {"wal"}, "pgcache_rule": {noTime}}},
		{&s.strict, url.Values{"pgcache_feed": {"wal"}, "pgcache_consistency": {"strict"}}},
		{&s.crowd.hit, url.Values{"pgcache_feed": {"none"}}},
		{&s.crowd.strict, url.Values{"pgcache_feed": {"wal"}, "pgcache_consistency": {"strict"}}},
	} {
		if *way.db, err = s.Open(way.params); err != nil {
			return err
		}
	}
	return nil
}

// onSocket opens the ways that go by way of the server's socket.
func (s *scene) onSocket(dsn string) (err error) {
	if dsn == "" {
		return nil
	}
	if s.socket, err = s.Pgx(dsn); err != nil {
		return err
	}
	s.socketMiss, err = s.OpenAt(dsn, url.Values{"pgcache_feed": {"none"}, "pgcache_rule": {noTime}})
	return err
}

// shared opens the caches that share a store.
func (s *scene) shared(ctx context.Context) (err error) {
	if s.redis, err = s.OnRedis("none", "bench"); err != nil {
		return err
	}
	s.peers, err = s.OnPeers(ctx)
	return err
}

// follows waits until changes are followed.
func follows(ctx context.Context, db fleet.DB) error {
	ask := shape.One.Ask(ctx, db.DB)
	for db.Connector.Stats().Feed == "none" {
		if err := ask(0); err != nil {
			return err
		}
	}
	return nil
}
