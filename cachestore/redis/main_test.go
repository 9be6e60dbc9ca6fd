package redis

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
	"github.com/gopgcache/pgcache/internal/testenv"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	code := m.Run()
	if shared.redis != nil {
		if err := shared.redis.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// patient is a timeout for tests that are not about timeouts: the machine may be busy.
const patient = 20 * time.Second

// deadline is how long a test waits for something that must happen.
const deadline = 30 * time.Second

// shared is one server for all tests that neither stop nor configure theirs.
var shared struct {
	once  sync.Once
	redis *testenv.Redis
	err   error
}

func sharedRedis(t testing.TB) *testenv.Redis {
	t.Helper()
	shared.once.Do(func() { shared.redis, shared.err = testenv.StartRedis(context.Background(), testenv.Options{}) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.redis
}

// ownRedis starts a server for one test.
func ownRedis(t testing.TB) *testenv.Redis {
	t.Helper()
	r, err := testenv.StartRedis(context.Background(), testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// open opens a store that is closed at the end of the test. What the configuration leaves open is patience and a namespace.
func open(t testing.TB, c Config) *Store {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = patient
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Namespace == "" {
		c.Namespace = namespaceOf(t)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// namespaces are those of the tests that run, by the test.
var namespaces sync.Map

// namespaceOf is the same for all stores of one test, and another one when the test runs again.
func namespaceOf(t testing.TB) string {
	namespace, known := namespaces.LoadOrStore(t, fmt.Sprintf("%s:%x", t.Name(), rand.Uint64()))
	if !known {
		t.Cleanup(func() { namespaces.Delete(t) })
	}
	return namespace.(string)
}

// raw is a client to do to Redis what a store never would.
func raw(t testing.TB, url string) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func keyOf(n int) (key cachestore.Key) {
	for i := range key {
		key[i] = byte(n >> (8 * (i % 4)) * (i + 1))
	}
	key[31] = byte(n)
	return key
}

func entryOf(text string) *cachestore.Entry { return cachestore.NewEntry(contentOf(text)) }

func contentOf(text string) cachestore.Content {
	return cachestore.Content{
		Statement: cachestore.NewStatement("select v from t where k = $1", nil), Arguments: "text " + text,
		Rows:     rowset.Table([]string{"k", "v"}, [][]string{{text, "value of " + text}}),
		Position: 42, Tags: []uint64{1, 2}, ReadAt: time.Now(), Cost: time.Second, Keep: time.Hour,
	}
}

func put(t testing.TB, s *Store, key cachestore.Key, text string) {
	t.Helper()
	if err := s.Put(t.Context(), key, entryOf(text)); err != nil {
		t.Fatal(err)
	}
}

// textOf gives what an entry was made of, and nothing for none.
func textOf(entry *cachestore.Entry) string {
	if entry == nil {
		return ""
	}
	return entry.Arguments()[len("text "):]
}

func want(t testing.TB, s *Store, key cachestore.Key, text string) {
	t.Helper()
	entry, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if got := textOf(entry); got != text {
		t.Fatalf("got %q, want %q", got, text)
	}
}

// eventually waits until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(deadline)
	for !condition() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatal("still not: " + what)
		}
	}
}
