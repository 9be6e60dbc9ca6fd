package peer

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	goleak.VerifyTestMain(m)
}

var testSecret = bytes.Repeat([]byte("secret!-"), 4)

// quiet is a Logger for tests that make errors on purpose.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// site is what a test gives a Fleet of its own.
type site struct {
	config Config
	fills  atomic.Int64
}

// echo is a Fill that answers with what it was asked, after the name of who answers.
func (s *site) echo(_ context.Context, request []byte) (Filled, error) {
	s.fills.Add(1)
	return Filled{Bytes: append([]byte(s.config.Self+" "), request...), Keep: true}, nil
}

// sites are n processes that listen on loopback, but haven't opened yet.
func sites(t testing.TB, n int) []*site {
	t.Helper()
	all, urls := make([]*site, n), make([]string, n)
	for i := range all {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		urls[i] = "http://" + listener.Addr().String()
		all[i] = &site{}
		all[i].config = Config{
			Self: urls[i], Secret: testSecret, Timeout: 10 * time.Second, CacheBytes: 1 << 20, Group: "test",
			Fill: all[i].echo, Logger: quiet(), listener: listener,
		}
	}
	for _, s := range all {
		s.config.Peers = urls
	}
	return all
}

func (s *site) open(t testing.TB) *Fleet {
	t.Helper()
	f, err := Open(s.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// fleets are n Fleets, with changes made to the configuration of each.
func fleets(t testing.TB, n int, change func(i int, c *Config)) ([]*Fleet, []*site) {
	t.Helper()
	all, fs := sites(t, n), make([]*Fleet, n)
	for i, s := range all {
		if change != nil {
			change(i, &s.config)
		}
		fs[i] = s.open(t)
	}
	return fs, all
}

// keysOf are n keys that the Fleet owns.
func keysOf(t testing.TB, f *Fleet, n int) []string {
	t.Helper()
	var keys []string
	for i := 0; len(keys) < n; i++ {
		if key := fmt.Sprintf("key %d", i); f.Owns(key) {
			keys = append(keys, key)
		}
		if i > 100_000 {
			t.Fatal("it owns nothing")
		}
	}
	return keys
}

func keyOf(t testing.TB, f *Fleet) string { return keysOf(t, f, 1)[0] }

// eventually waits until what is true by itself soon is true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-tick.C
	}
}
