// Package redisrelay carries a relay's batches through Redis Streams: one stream for what the leader tells, which is read by
// all followers each for itself, and one for what they ask. Both are trimmed, and neither has to survive anything: batches
// are numbered, so whoever finds some missing begins again.
package redisrelay

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/internal/changefeed/relay"
)

const (
	// batches and requests are about how many are kept. What is asked is asked again.
	batches  = 1024
	requests = 1024
	// block is for how long a read waits in the server: a context that ends is noticed no sooner.
	block = 200 * time.Millisecond
	// grace is how much longer a read may take before the connection is given up.
	grace = 500 * time.Millisecond
	// limit is how large a batch may be.
	limit = 64 << 10
	// expiry is when Redis forgets a fleet that has gone, and renewal how often it is told not to yet.
	expiry  = time.Hour
	renewal = time.Minute
	// doubt is after how long without a request the leader looks where the stream ends. It may have begun anew, and with
	// lower numbers if Redis' clock was set back.
	doubt = 5 * time.Second
)

// Transport is a relay.Transport through one Redis server, or one shard of a cluster.
type Transport struct {
	client   redis.UniversalClient
	down, up string
	// renewed is when Redis was last told to keep the streams. It belongs to Publish.
	renewed time.Time
}

var _ relay.Transport = (*Transport)(nil)

// ErrClient is what New says of a client that waits for a server that hangs for longer than its callers do.
var ErrClient = errors.New("pgcache: the relay's Redis client needs ContextTimeoutEnabled")

// New makes a transport of one fleet: key names it, and is the start of the names of two streams. The client belongs to the
// caller; it must have ContextTimeoutEnabled, and should not retry by itself. It needs up to three connections. In a cluster
// both streams are in the slot of the key.
func New(client redis.UniversalClient, key string) (*Transport, error) {
	if !heedsContexts(client) {
		return nil, ErrClient
	}
	return &Transport{client: client, down: "{" + key + "}:commits", up: "{" + key + "}:requests"}, nil
}

// heedsContexts tells whether a client gives up when a context's deadline has come. Without that a follower would take a
// server that hangs for one that has nothing to say.
func heedsContexts(client redis.UniversalClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return c.Options().ContextTimeoutEnabled
	default:
		return false
	}
}

// Traits implements relay.Transport.
func (t *Transport) Traits() relay.Traits { return relay.Traits{Limit: limit} }

// Publish implements relay.Transport.
func (t *Transport) Publish(ctx context.Context, batch []byte) error {
	if err := t.add(ctx, t.down, batches, batch); err != nil {
		return err
	}
	if time.Since(t.renewed) > renewal {
		t.renewed = time.Now()
		_ = t.client.Expire(ctx, t.down, expiry).Err() // it is tried again
		_ = t.client.Expire(ctx, t.up, expiry).Err()
	}
	return nil
}

// Ask implements relay.Transport.
func (t *Transport) Ask(ctx context.Context, request []byte) error {
	return t.add(ctx, t.up, requests, request)
}

func (t *Transport) add(ctx context.Context, stream string, keep int64, data []byte) error {
	return t.client.XAdd(ctx, &redis.XAddArgs{
		Stream: stream, MaxLen: keep, Approx: true, Values: []any{field, data},
	}).Err()
}

const field = "b"

// Subscribe implements relay.Transport.
func (t *Transport) Subscribe(ctx context.Context) (relay.Subscription, error) {
	s := &subscription{client: t.client, stream: t.down}
	return s, s.toEnd(ctx)
}

// Listen implements relay.Transport.
func (t *Transport) Listen(ctx context.Context, take func([]byte)) error {
	s := &subscription{client: t.client, stream: t.up}
	if err := s.toEnd(ctx); err != nil {
		return err
	}
	for {
		waiting, cancel := context.WithTimeout(ctx, doubt)
		request, err := s.Receive(waiting)
		cancel()
		switch {
		case err == nil:
			take(request)
			continue
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
			err = s.toEnd(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// subscription reads a stream.
type subscription struct {
	client redis.UniversalClient
	stream string
	// last is the entry that was read last, and entries those that were read and not given yet.
	last    string
	entries []redis.XMessage
}

// toEnd begins behind what there is.
func (s *subscription) toEnd(ctx context.Context) error {
	entries, err := s.client.XRevRangeN(ctx, s.stream, "+", "-", 1).Result()
	s.last = "0-0"
	if len(entries) > 0 {
		s.last = entries[0].ID
	}
	return err
}

// Receive implements relay.Subscription.
func (s *subscription) Receive(ctx context.Context) ([]byte, error) {
	for {
		if len(s.entries) > 0 {
			entry := s.entries[0]
			s.entries, s.last = s.entries[1:], entry.ID
			data, ok := entry.Values[field].(string)
			if !ok {
				continue // not ours
			}
			return []byte(data), nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.read(ctx); err != nil {
			return nil, err
		}
	}
}

// read waits for entries. A server that hangs has none yet: who waits decides for how long.
func (s *subscription) read(ctx context.Context) error {
	reading, cancel := context.WithTimeout(ctx, block+grace)
	defer cancel()
	streams, err := s.client.XRead(reading, &redis.XReadArgs{Streams: []string{s.stream, s.last}, Count: 256, Block: block}).Result()
	late := net.Error(nil)
	switch {
	case errors.Is(err, redis.Nil), errors.As(err, &late) && late.Timeout():
		return nil
	case err != nil:
		return err
	}
	for _, stream := range streams {
		s.entries = append(s.entries, stream.Messages...)
	}
	return nil
}

// Close implements relay.Subscription.
func (s *subscription) Close() {}
