package redis

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// slack is how much longer than its timeout an operation may take on a busy machine.
const slack = 400 * time.Millisecond

// operations are all that asks Redis.
func operations(s *Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Get":   func(ctx context.Context) error { _, err := s.Get(ctx, keyOf(1)); return err },
		"Put":   func(ctx context.Context) error { return s.Put(ctx, keyOf(1), entryOf("one")) },
		"Clear": s.Clear,
		"Lease": func(ctx context.Context) error { _, err := s.Lease(ctx, keyOf(1)); return err },
		"Read":  func(ctx context.Context) error { _, _, err := s.Read(ctx, []uint64{1}); return err },
		"GetMarked": func(ctx context.Context) error {
			_, _, _, err := s.GetMarked(ctx, keyOf(1), []uint64{1})
			return err
		},
		"Begin":   func(ctx context.Context) error { return s.Begin(ctx, "w", []uint64{1}, false) },
		"End":     func(ctx context.Context) error { return s.End(ctx, "w", []uint64{1}, false) },
		"Writers": func(ctx context.Context) error { _, err := s.Writers(ctx, []uint64{1}); return err },
	}
}

// A server that is stopped holds up no operation for longer than the timeout, whether it was connected to or not.
func TestStoppedServerHoldsNobodyUp(t *testing.T) {
	server := ownRedis(t)
	const timeout = 50 * time.Millisecond
	for _, connected := range []bool{true, false} {
		for name := range operations(nil) {
			s := open(t, Config{URL: server.URL(), Timeout: timeout})
			if connected {
				eventually(t, "connected", func() bool { return operations(s)[name](t.Context()) == nil })
			}
			if err := server.Pause(); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			err := operations(s)[name](t.Context())
			took := time.Since(begun)
			if !errors.Is(err, ErrTimeout) || took > timeout+slack {
				t.Errorf("%s, connected %t: %v after %v", name, connected, err, took)
			}
			if err := server.Continue(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// After a few failures Redis is left alone, which costs nothing, and then it is tried again.
func TestBreakerOpensAndCloses(t *testing.T) {
	server := ownRedis(t)
	var log syncBuffer
	s := open(t, Config{URL: server.URL(), Timeout: 50 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	eventually(t, "put", func() bool { return s.Put(t.Context(), keyOf(1), entryOf("one")) == nil })
	before := s.Counters()
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	for range failuresToOpen {
		if _, err := s.Get(t.Context(), keyOf(1)); !errors.Is(err, ErrTimeout) {
			t.Fatal(err)
		}
	}
	for name, operation := range operations(s) {
		fastest := time.Hour
		for range 10 {
			begun := time.Now()
			if err := operation(t.Context()); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
			fastest = min(fastest, time.Since(begun))
		}
		if fastest > time.Millisecond {
			t.Errorf("%s takes %v while Redis is left alone", name, fastest)
		}
	}
	if err := server.Continue(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "tried again", func() bool { entry, err := s.Get(t.Context(), keyOf(1)); return err == nil && entry != nil })
	if got := s.Counters(); got.Failed < before.Failed+failuresToOpen || got.Skipped < 90 {
		t.Errorf("counted %+v", got)
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), "did not answer in time") {
		t.Errorf("logged:\n%s", log.String())
	}
}

// A context of the caller that ends says nothing about Redis.
func TestCallersContextIsNoFailure(t *testing.T) {
	server := ownRedis(t)
	s := open(t, Config{URL: server.URL()})
	put(t, s, keyOf(1), "one")
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	for name, operation := range operations(s) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := operation(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	if err := server.Continue(); err != nil {
		t.Fatal(err)
	}
	put(t, s, keyOf(1), "one") // what was asked for meanwhile may be done now, Clear too
	want(t, s, keyOf(1), "one")
	if got := s.Counters(); got.Failed != 0 || got.Skipped != 0 {
		t.Errorf("counted %+v", got)
	}
}

// A Redis that is full is still read, and asked to take more only now and then.
func TestFullServerIsStillRead(t *testing.T) {
	server := ownRedis(t)
	redis := raw(t, server.URL())
	s := open(t, Config{URL: server.URL()})
	put(t, s, keyOf(1), "one")
	if err := s.Begin(t.Context(), "w", []uint64{1}, false); err != nil {
		t.Fatal(err)
	}
	for _, setting := range [][2]string{{"maxmemory-policy", "noeviction"}, {"maxmemory", "1"}} {
		if err := redis.ConfigSet(t.Context(), setting[0], setting[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * failuresToOpen {
		err := s.Put(t.Context(), keyOf(2), entryOf("two"))
		if err == nil || !errors.Is(err, ErrUnavailable) && !strings.Contains(err.Error(), "OOM") {
			t.Fatal(err)
		}
		want(t, s, keyOf(1), "one")
		want(t, s, keyOf(2), "")
	}
	if got := s.Counters(); got.Refused != failuresToOpen || got.Failed != 0 || got.Skipped == 0 {
		t.Errorf("counted %+v", got)
	}
	if err := s.End(t.Context(), "w", []uint64{1}, false); err != nil {
		t.Errorf("a write can't end while Redis is full: %v", err)
	}
	if err := redis.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if _, quiet, err := s.Read(t.Context(), []uint64{1}); err != nil || !quiet {
		t.Errorf("quiet %t, error %v", quiet, err)
	}
	eventually(t, "put again", func() bool { return s.Put(t.Context(), keyOf(2), entryOf("two")) == nil })
	want(t, s, keyOf(2), "two")
}

func TestServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	s := open(t, Config{URL: "redis://:geheim@" + address, Timeout: 100 * time.Millisecond})
	for name, operation := range operations(s) {
		begun := time.Now()
		if err := operation(t.Context()); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(begun); took > 100*time.Millisecond+slack {
			t.Errorf("%s took %v", name, took)
		}
	}
}

// What takes connections but isn't Redis, or says nothing.
func TestServerThatIsNoRedis(t *testing.T) {
	for name, says := range map[string]string{"web server": "HTTP/1.1 400 Bad Request\r\n\r\n", "silence": "", "garbage": "\x00\xff\x00\xff\r\n"} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() { serve(listener, says) })
			defer serving.Wait()
			defer listener.Close()
			s := open(t, Config{URL: "redis://" + listener.Addr().String(), Timeout: 100 * time.Millisecond})
			if entry, err := s.Get(t.Context(), keyOf(1)); entry != nil || err == nil {
				t.Errorf("entry %v, error %v", entry, err)
			}
		})
	}
}

func serve(listener net.Listener, says string) {
	var conns []net.Conn
	for {
		conn, err := listener.Accept()
		if err != nil {
			break
		}
		conns = append(conns, conn)
		_, _ = conn.Write([]byte(says))
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
}

func TestWrongPasswordIsAnErrorThatDoesNotShowIt(t *testing.T) {
	server := ownRedis(t)
	for name, userinfo := range map[string]string{"wrong": ":wrongpassword", "none": "", "unknown user": "nobody:wrongpassword"} {
		t.Run(name, func(t *testing.T) {
			var log syncBuffer
			s := open(t, Config{URL: "redis://" + userinfo + "@" + server.Addr(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
			_, err := s.Get(t.Context(), keyOf(1))
			if err == nil || !strings.Contains(err.Error(), "WRONGPASS") && !strings.Contains(err.Error(), "NOAUTH") {
				t.Errorf("error %v", err)
			}
			if text := log.String(); strings.Contains(text+err.Error(), "wrongpassword") || text == "" {
				t.Errorf("error %v, log %s", err, text)
			}
		})
	}
}

func TestUserWithLittleRights(t *testing.T) {
	server := ownRedis(t)
	redis := raw(t, server.URL())
	rules := strings.Fields("ACL SETUSER app on >s%cret resetkeys ~fleet:pgcache:* resetchannels &fleet:pgcache:* -@all" +
		" +get +set +mget +exists +pttl +del +unlink +eval +evalsha +time +pexpire +publish +subscribe +unsubscribe +sadd +srem +smembers +info +ping +hello +auth")
	words := make([]any, len(rules))
	for i := range rules {
		words[i] = rules[i]
	}
	if err := redis.Do(t.Context(), words...).Err(); err != nil {
		t.Fatal(err)
	}
	s := open(t, Config{URL: "redis://app:s%25cret@" + server.Addr(), Namespace: "fleet"})
	for name, operation := range operations(s) {
		if err := operation(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	foreign := open(t, Config{URL: "redis://app:s%25cret@" + server.Addr(), Namespace: "other"})
	if _, err := foreign.Get(t.Context(), keyOf(1)); err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("another namespace: %v", err)
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s := open(t, Config{URL: sharedRedis(t).URL()})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Lease", "Read", "GetMarked", "Begin", "End", "Writers"} {
		if err := operations(s)[name](t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
