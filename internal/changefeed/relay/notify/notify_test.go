package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func join(t *testing.T, dsn, secret string) *Transport {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	transport := New(config, "fleet", []byte(secret))
	t.Cleanup(func() { transport.Close() })
	return transport
}

// What is published is received; what others notify on the same channel, or with another secret, or what was meant for the
// other channel, is not.
func TestStrangersAreNotHeard(t *testing.T) {
	dsn := pgtest.Database(t)
	ours, theirs := join(t, dsn, "ours"), join(t, dsn, "theirs")
	subscription, err := ours.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Close()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	meant := base64.RawStdEncoding.EncodeToString(append(ours.sign(ours.up, []byte("request")), "request"...))
	for _, text := range []string{"", "no base64!", "AAAA", meant} {
		if _, err := c.Exec(t.Context(), "select pg_notify($1, $2)", ours.down, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := theirs.Publish(t.Context(), []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	for _, batch := range [][]byte{[]byte("ours"), make([]byte, ours.Traits().Limit)} {
		if err := ours.Publish(t.Context(), batch); err != nil {
			t.Fatalf("%d bytes: %v", len(batch), err)
		}
		if got, err := subscription.Receive(t.Context()); err != nil || !bytes.Equal(got, batch) {
			t.Errorf("got %.20q, %v", got, err)
		}
	}
	if err := ours.Publish(t.Context(), make([]byte, ours.Traits().Limit+1)); err == nil {
		t.Error("a batch beyond the limit was taken")
	}
	waiting, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got, err := subscription.Receive(waiting); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %q, %v", got, err)
	}
}

// A connection that breaks is made anew, and one that listens says so.
func TestConnectionBreaks(t *testing.T) {
	dsn := pgtest.Database(t)
	transport := join(t, dsn, "")
	subscription, err := transport.Subscribe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer subscription.Close()
	if err := transport.Publish(t.Context(), []byte("one")); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	const all = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
	if _, err := c.Exec(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		if _, err := subscription.Receive(t.Context()); err != nil {
			break
		} else if n > 0 {
			t.Fatal("it receives without a connection")
		}
	}
	if err := transport.Publish(t.Context(), nil); err == nil {
		t.Error("it published without a connection")
	}
	if err := transport.Publish(t.Context(), nil); err != nil {
		t.Errorf("with another connection: %v", err)
	}
}
