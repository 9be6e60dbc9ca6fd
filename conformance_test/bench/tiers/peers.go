package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
)

// peerCases are the peer tier, and HTTP that moves the same values.
func (b *bench) peerCases(ctx context.Context, s *shape.Shape, peers fleet.Pair, values [][]byte) ([]*measured, error) {
	get, err := b.http(ctx, values)
	if err != nil {
		return nil, err
	}
	owned, err := peers.Owned(ctx, s)
	if err != nil {
		return nil, err
	}
	bare := "HTTP GET " + s.Name
	return []*measured{
		{name: bare, bytes: len(values[0]), asker: same(get)},
		{
			name: "peer " + s.Name, bytes: len(values[0]), connector: peers.Small.Connector, against: []string{bare},
			asker: func() func(int) error {
				ask := s.Ask(ctx, peers.Small.DB)
				return func(n int) error { return ask(owned[n%len(owned)]) }
			},
		},
	}, nil
}

// http serves values over loopback, and gives what gets them.
func (b *bench) http(ctx context.Context, values [][]byte) (func(n int) error, error) {
	listener, err := fleet.Listen(ctx)
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		_, _ = fmt.Sscan(r.URL.Path[1:], &n)
		_, _ = w.Write(values[n])
	})}
	go func() { _ = server.Serve(listener) }()
	b.Later(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: fleet.MostAtOnce}}
	b.Later(func() error { client.CloseIdleConnections(); return nil })
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
