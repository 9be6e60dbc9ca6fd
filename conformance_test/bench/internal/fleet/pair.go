package fleet

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
)

// Keys is how many results of each shape take turns: far more than a memory tier of the least size holds.
const Keys = 50

// least is the least memory that there can be.
const least = "4KiB"

// Pair is two caches between whose memory nothing is shared but a store: one that keeps all that it is asked for, and one that keeps
// hardly anything, so that it gets its answers from the store.
type Pair struct{ Full, Small DB }

// OnRedis opens two caches on Redis.
func (f *Fleet) OnRedis(feed, namespace string) (Pair, error) {
	return f.pair(func(int) url.Values {
		return url.Values{
			"pgcache_store": {"redis"}, "pgcache_redis": {f.Redis.URL()}, "pgcache_feed": {feed}, "pgcache_namespace": {namespace},
		}
	})
}

// OnPeers opens two peers.
func (f *Fleet) OnPeers(ctx context.Context) (Pair, error) {
	secret := filepath.Join(f.dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("a secret among peers", 3)), 0o600); err != nil {
		return Pair{}, err
	}
	var urls []string
	for range 2 {
		l, err := Listen(ctx)
		if err != nil {
			return Pair{}, err
		}
		urls = append(urls, "http://"+l.Addr().String())
		if err := l.Close(); err != nil {
			return Pair{}, err
		}
	}
	return f.pair(func(i int) url.Values {
		return url.Values{
			"pgcache_store": {"peer"}, "pgcache_peers": {strings.Join(urls, ",")}, "pgcache_peer_self": {urls[i]},
			"pgcache_peer_secret_file": {secret}, "pgcache_feed": {"none"},
		}
	})
}

func (f *Fleet) pair(params func(i int) url.Values) (p Pair, err error) {
	full, small := params(0), params(1)
	full.Set("pgcache_memory", "512MiB")
	small.Set("pgcache_memory", least)
	if p.Full, err = f.Open(full); err != nil {
		return Pair{}, err
	}
	p.Small, err = f.Open(small)
	return p, err
}

// Fill has the first cache fill the store with the results of a shape.
func (p Pair) Fill(ctx context.Context, s *shape.Shape) error {
	if err := Warm(ctx, p.Full, s); err != nil {
		return err
	}
	return Warm(ctx, p.Small, s)
}

// Warm asks for the results of a shape until most of them come from the cache or what it shares.
func Warm(ctx context.Context, db DB, s *shape.Shape) error {
	ask := s.Ask(ctx, db.DB)
	for began := time.Now(); time.Since(began) < time.Minute; {
		hits := db.Connector.Stats().Hits
		for n := range Keys {
			if err := ask(n); err != nil {
				return err
			}
		}
		if db.Connector.Stats().Hits-hits >= Keys*9/10 {
			return nil
		}
	}
	return fmt.Errorf("few hits: %+v", db.Connector.Stats())
}

// Owned fills the first of two peers with the results of a shape that it owns, and tells which these are.
func (p Pair) Owned(ctx context.Context, s *shape.Shape) (owned []int, err error) {
	ask := s.Ask(ctx, p.Small.DB)
	for n := range Keys {
		before := p.Small.Connector.Stats().SharedHits
		if err := ask(n); err != nil {
			return nil, err
		}
		if p.Small.Connector.Stats().SharedHits > before {
			owned = append(owned, n)
		}
	}
	if len(owned) < Keys/10 {
		return nil, fmt.Errorf("the other peer owns %d keys only", len(owned))
	}
	return owned, nil
}

// Listen listens on a free port of the loopback.
func Listen(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}
