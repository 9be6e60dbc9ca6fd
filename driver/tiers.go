package driver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/cachestore/memory"
	"github.com/gopgcache/pgcache/cachestore/peer"
	"github.com/gopgcache/pgcache/cachestore/redis"
	"github.com/gopgcache/pgcache/dsn"
)

// openTiers opens what the entries are kept in: this process's memory, and behind it what a fleet has in common. Nothing is
// asked of Redis or of a peer yet, so neither has to be there.
func (c *cache) openTiers(o options) error {
	if store, ok := o.store.(sharedStore); ok {
		c.store, c.shared = memory.New(c.config.Memory), newShared(c, store)
		return nil
	}
	c.store = o.store
	switch {
	case c.store != nil: // the caller's own takes the place of all
	case c.config.Store == dsn.StoreRedis:
		c.store = memory.New(c.config.Memory)
		return c.openRedis(o.place)
	case c.config.Store == dsn.StorePeer:
		return c.openPeers(o.place)
	default:
		c.store = memory.New(c.config.Memory)
	}
	return nil
}

// place names a server and a database, for what is shared by all who use them.
func place(config *pgx.ConnConfig) string {
	return fmt.Sprintf("%s:%d/%s", config.Host, config.Port, config.Database)
}

// placeOf is place for a connection string. One that pgx has registered under a name has its own.
func placeOf(config *dsn.Config) (string, error) {
	if config.Store == dsn.StoreMemory || config.Registered() {
		return config.Base, nil
	}
	parsed, err := config.ConnConfig()
	if err != nil {
		return "", err
	}
	return place(parsed), nil
}

// redisConfig is how to use the Redis that a fleet shares.
func (c *cache) redisConfig(place string) redis.Config {
	return redis.Config{
		URL: c.config.Redis, KeyFile: c.config.RedisKeyFile, Namespace: c.config.Namespace, Scope: place,
		Timeout: c.config.Timeout, Logger: c.logger,
	}
}

func (c *cache) openRedis(place string) error {
	if c.config.Redis == "" {
		return errors.New("pgcache: pgcache_store=redis needs to know where: pgcache_redis=redis://host:6379")
	}
	store, err := redis.Open(c.redisConfig(place))
	if err != nil {
		return err
	}
	c.shared = newShared(c, store)
	return nil
}

// peerShare is the part of pgcache_memory that answers made for peers get, and those got from peers before they are judged.
const peerShare = 8

func (c *cache) openPeers(place string) (err error) {
	config := c.config
	if len(config.Peers) == 0 || config.PeerSelf == "" {
		return errors.New("pgcache: pgcache_store=peer needs pgcache_peers, with the own address in it as pgcache_peer_self")
	}
	mine := config.Memory / peerShare
	c.store = memory.New(config.Memory - mine)
	var secret []byte
	if config.PeerSecretFile != "" {
		if secret, err = peer.ReadSecret(config.PeerSecretFile); err != nil {
			return err
		}
	}
	var certificates *tls.Config
	if config.PeerTLSCert != "" {
		if certificates, err = peer.LoadTLS(config.PeerTLSCert, config.PeerTLSKey, config.PeerTLSCA); err != nil {
			return err
		}
	}
	p := &peers{cache: c, serving: openServing(c)}
	p.fleet, err = peer.Open(peer.Config{
		Self: config.PeerSelf, Listen: config.PeerListen, Peers: config.Peers, Secret: secret, TLS: certificates,
		Timeout: config.Timeout, CacheBytes: mine, MaxEntry: 2 * config.MaxEntry, Group: place + "/" + config.Namespace,
		Fill: func(ctx context.Context, request []byte) (peer.Filled, error) { return p.serve(ctx, request) }, Logger: c.logger,
	})
	if err != nil {
		_ = p.serving.Close()
		return err
	}
	c.peers = p
	return nil
}
