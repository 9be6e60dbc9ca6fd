package redisrelay

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func client(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled, options.MaxRetries = true, -1
	c := redis.NewClient(options)
	t.Cleanup(func() { c.Close() })
	return c
}

func join(t *testing.T, url string) *Transport {
	t.Helper()
	transport, err := New(client(t, url), "fleet")
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

// A server that hangs holds nobody up, and a client that would let it is refused.
func TestServerHangs(t *testing.T) {
	server := pgtest.OwnRedis(t)
	transport := join(t, server.URL())
	subscription, err := transport.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	defer server.Continue()
	for name, what := range map[string]func(ctx context.Context) error{
		"receive": func(ctx context.Context) error {
			_, err := subscription.Receive(ctx)
			return err
		},
		"publish": func(ctx context.Context) error { return transport.Publish(ctx, nil) },
		"ask":     func(ctx context.Context) error { return transport.Ask(ctx, nil) },
		"listen":  func(ctx context.Context) error { return transport.Listen(ctx, func([]byte) {}) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		begun := time.Now()
		if err := what(ctx); err == nil || time.Since(begun) > time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(begun))
		}
		cancel()
	}
	patient := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer patient.Close()
	if _, err := New(patient, "fleet"); !errors.Is(err, ErrClient) {
		t.Errorf("a client that waits for ever: %v", err)
	}
}

// What is published after a subscription is received, in order, by each; what came before is not.
func TestBatches(t *testing.T) {
	server := pgtest.OwnRedis(t)
	transport := join(t, server.URL())
	ctx := t.Context()
	if err := transport.Publish(ctx, []byte("before")); err != nil {
		t.Fatal(err)
	}
	first, err := transport.Subscribe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, batch := range []string{"one", "\x00\xff", "three"} {
		if err := transport.Publish(ctx, []byte(batch)); err != nil {
			t.Fatal(err)
		}
		if batch != "one" {
			continue
		}
		second, err := transport.Subscribe(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if got, err := second.Receive(ctx); err != nil || string(got) != "\x00\xff" {
				t.Errorf("the second got %q, %v", got, err)
			}
		}()
	}
	for _, want := range []string{"one", "\x00\xff", "three"} {
		if got, err := first.Receive(ctx); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	waiting, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if got, err := first.Receive(waiting); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v", got, err)
	}
	if ttl := client(t, server.URL()).TTL(ctx, transport.down).Val(); ttl <= 0 || ttl > expiry {
		t.Errorf("what is left of a fleet stays for %v", ttl)
	}
}

func TestRequests(t *testing.T) {
	server := pgtest.OwnRedis(t)
	transport := join(t, server.URL())
	ctx, cancel := context.WithCancel(t.Context())
	taken := make(chan string, 16)
	done := make(chan error, 1)
	go func() { done <- transport.Listen(ctx, func(b []byte) { taken <- string(b) }) }()
	for got := ""; got != "again"; { // what is asked before anybody listens is lost
		if err := transport.Ask(ctx, []byte("again")); err != nil {
			t.Fatal(err)
		}
		select {
		case got = <-taken:
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
