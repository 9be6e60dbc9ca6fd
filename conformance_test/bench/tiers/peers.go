package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/driver"
)

// peerCases adds the peer tier, and HTTP that moves the same values.
func (b *bench) peerCases(ctx context.Context, s *shape, list []*measured, values [][]byte) ([]*measured, error) {
	get, err := b.http(ctx, values)
	if err != nil {
		return nil, err
	}
	db, connector, owned, err := b.peers(ctx, s)
	if err != nil {
		return nil, err
	}
	bare := "HTTP GET " + s.name
	return append(
		list,
		&measured{name: bare, bytes: len(values[0]), asker: same(get)},
		&measured{
			name: "peer " + s.name, bytes: len(values[0]), connector: connector, against: []string{bare},
			asker: func() func(int) error {
				ask := s.newAsk(ctx, db)
				return func(n int) error { return ask(owned[n%len(owned)]) }
			},
		},
	), nil
}

// http serves values over loopback, and gives what gets them.
func (b *bench) http(ctx context.Context, values [][]byte) (func(n int) error, error) {
	listener, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.URL.Path[1:], &n)
		_, _ = w.Write(values[n])
	})}
	go func() { _ = server.Serve(listener) }()
	b.later(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: mostAtOnce}}
	b.later(func() error { client.CloseIdleConnections(); return nil })
	return func(n int) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/%d", listener.Addr(), n%len(values)), nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(response.Body)
		_ = response.Body.Close()
		return err
	}, nil
}

// peers opens two peers, and gives the one that keeps hardly anything, and the keys that the other one owns.
func (b *bench) peers(ctx context.Context, s *shape) (db *sql.DB, connector *driver.Connector, owned []int, err error) {
	secret := filepath.Join(b.dir, "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("a secret among peers", 3)), 0o600); err != nil {
		return nil, nil, nil, err
	}
	var urls []string
	for range 2 {
		l, err := listen(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		urls = append(urls, "http://"+l.Addr().String())
		if err := l.Close(); err != nil {
			return nil, nil, nil, err
		}
	}
	of := func(i int) url.Values {
		return url.Values{
			"pgcache_store": {"peer"}, "pgcache_peers": {strings.Join(urls, ",")}, "pgcache_peer_self": {urls[i]},
			"pgcache_peer_secret_file": {secret}, "pgcache_feed": {"none"},
		}
	}
	if _, _, err := b.through(of(0)); err != nil {
		return nil, nil, nil, err
	}
	small := of(1)
	small.Set("pgcache_memory", least)
	if db, connector, err = b.through(small); err != nil {
		return nil, nil, nil, err
	}
	ask := s.newAsk(ctx, db)
	for n := range keys {
		before := connector.Stats().SharedHits
		if err := ask(n); err != nil {
			return nil, nil, nil, err
		}
		if connector.Stats().SharedHits > before {
			owned = append(owned, n)
		}
	}
	if len(owned) < keys/10 {
		return nil, nil, nil, fmt.Errorf("the other peer owns %d keys only", len(owned))
	}
	return db, connector, owned, nil
}

func listen(ctx context.Context) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
}
