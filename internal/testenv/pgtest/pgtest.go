// Package pgtest gives tests the servers of internal/testenv: one PostgreSQL
// server per test binary, started when the first test asks; one database per
// test; and servers that a test may stop, on request.
//
// A test package that uses it, or starts goroutines, has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// A server that can't be had fails the test that asked, with one line that says
// what to install.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// patience bounds every wait for a server: long enough for a download.
const patience = 5 * time.Minute

// Main runs the tests, stops the shared server, and exits: with a failure when
// a test failed, the server didn't stop, or a goroutine was left running.
func Main(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(run{m}, options...)
}

// run is testing.M, and the end of the shared server before goleak looks.
type run struct{ m *testing.M }

func (r run) Run() int {
	code := r.m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// shared is the test binary's server. A binary without Main leaves its end to
// the server's guardian.
var shared lazy

type lazy struct {
	mu     sync.Mutex
	server *testenv.Server
	err    error // of the one attempt to get it
}

func (l *lazy) get() (*testenv.Server, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil && l.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		l.server, l.err = testenv.Find(ctx, testenv.Options{})
	}
	return l.server, l.err
}

func (l *lazy) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return nil
	}
	server := l.server
	l.server, l.err = nil, errors.New("pgcache: the shared test server was stopped")
	return server.Close()
}

// Postgres returns the test binary's server, which all its tests share: leave
// it running, and leave its settings and roles as they are.
func Postgres(tb testing.TB) *testenv.Server {
	tb.Helper()
	server, err := shared.get()
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// Database makes an empty database on the shared server and returns its
// connection string. It is dropped at the end of the test, even if something is
// still connected.
func Database(tb testing.TB) string {
	tb.Helper()
	server := Postgres(tb)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name, err := server.CreateDatabase(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.DropDatabase(ctx, name); err != nil {
			tb.Error(err)
		}
	})
	return server.DSN(name)
}

// Own starts a server for this test alone, which it may stop, crash and start
// again. It takes a second or two: most tests want [Database].
func Own(tb testing.TB) *testenv.Server {
	tb.Helper()
	return OwnWith(tb, testenv.Options{})
}

// OwnWith is [Own] with settings or a version of one's choice.
func OwnWith(tb testing.TB, o testenv.Options) *testenv.Server {
	tb.Helper()
	return own(tb, testenv.Start, o)
}

// Redis returns a Redis server: the one that PGCACHE_TEST_REDIS names, or a new
// one for this test alone.
func Redis(tb testing.TB) *testenv.Redis {
	tb.Helper()
	return own(tb, testenv.FindRedis, testenv.Options{})
}

// OwnRedis starts a Redis server for this test alone, which it may stop, pause
// and start again.
func OwnRedis(tb testing.TB) *testenv.Redis {
	tb.Helper()
	return own(tb, testenv.StartRedis, testenv.Options{})
}

// own starts a server that is closed at the end of the test.
func own[S io.Closer](
	tb testing.TB, start func(context.Context, testenv.Options) (S, error), o testenv.Options,
) S {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := start(ctx, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server
}

// ForExample is [Database] for a runnable example, which has no testing.TB: drop
// takes the place of the end of the test. It panics where a test would fail.
func ForExample() (dsn string, drop func()) {
	server, err := shared.get()
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name, err := server.CreateDatabase(ctx)
	if err != nil {
		panic(err)
	}
	return server.DSN(name), func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.DropDatabase(ctx, name); err != nil {
			panic(err)
		}
	}
}
