package driver

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/cachestore/redis"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/changefeed/relay"
	"github.com/gopgcache/pgcache/internal/changefeed/relay/notify"
	"github.com/gopgcache/pgcache/internal/changefeed/relay/redisrelay"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
)

// newRelay makes the feed of a fleet, one of whose processes follows the server for all: joined by the Redis that they share, or
// among the peers, or by the server's own notifications. end is to be called when the feed has ended.
func (c *cache) newRelay(follow wal.Config, config *pgx.ConnConfig) (feed *relay.Feed, end func(), err error) {
	var transport relay.Transport
	end = func() {}
	switch {
	case c.peers != nil:
		transport = c.peers.streams()
	case c.config.Store == dsn.StoreRedis && c.shared != nil:
		client, prefix, err := redis.NewClient(c.redisConfig(place(config)))
		if err != nil {
			return nil, nil, err
		}
		transport, end = redisrelay.New(client, prefix+"relay"), func() { _ = client.Close() }
	default:
		t := notify.New(&config.Config, c.config.Namespace+"/"+c.config.Publication, nil)
		transport, end = t, func() { _ = t.Close() }
	}
	return relay.New(relay.Config{WAL: follow, Transport: transport, Namespace: c.config.Namespace}), end, nil
}

// The paths at which a peer that leads serves the changes, and takes what others ask of it.
const (
	changesPath = "/changes"
	asksPath    = "/asks"
)

// streams carries a relay among the peers.
func (p *peers) streams() relay.Transport {
	s := relay.NewStreams(relay.StreamConfig{
		Peers: p.fleet.Peers,
		Open: func(ctx context.Context, url string) (io.ReadCloser, error) {
			return p.fleet.Open(ctx, url, changesPath)
		},
		Send: func(ctx context.Context, peer string, request []byte) error {
			return p.send(ctx, peer, request)
		},
	})
	p.fleet.Handle(changesPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flush := http.NewResponseController(w).Flush
		if err := s.Serve(r.Context(), w, flush); errors.Is(err, relay.ErrNotLeading) {
			http.Error(w, "", http.StatusConflict)
		}
	}))
	p.fleet.Handle(asksPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("q"))
		if err != nil || s.Take(request) != nil {
			http.Error(w, "", http.StatusConflict)
		}
	}))
	return s
}

// send hands a request to a peer.
func (p *peers) send(ctx context.Context, to string, request []byte) error {
	query := url.Values{"q": {base64.RawURLEncoding.EncodeToString(request)}}
	stream, err := p.fleet.Open(ctx, to, asksPath+"?"+query.Encode())
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stream)
	return errors.Join(err, stream.Close())
}
