package testenv

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

func startRedis(t *testing.T) *Redis {
	t.Helper()
	r, err := StartRedis(t.Context(), Options{})
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

// client speaks just enough of Redis's protocol.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dialRedis(t *testing.T, r *Redis) *client {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// do sends a command and returns the first line of the answer.
func (c *client) do(command string) string {
	c.t.Helper()
	line, err := c.try(command)
	if err != nil {
		c.t.Fatal(err)
	}
	return line
}

// try is do for a server that may close the connection.
func (c *client) try(command string) (string, error) {
	if _, err := fmt.Fprintf(c.conn, "%s\r\n", command); err != nil {
		return "", err
	}
	line, err := c.in.ReadString('\n')
	return strings.TrimSpace(line), err
}

func TestRedisLife(t *testing.T) {
	r := startRedis(t)
	c := dialRedis(t, r)
	if got := c.do("PING"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Errorf("without password: %s", got)
	}
	for _, command := range []string{"AUTH " + r.Password(), "SET a 1"} {
		if got := c.do(command); got != "+OK" {
			t.Fatalf("%s: %s", command, got)
		}
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Pause(); !errors.Is(err, ErrNotRunning) {
		t.Errorf("pause of a stopped server: %v", err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = dialRedis(t, r)
	c.do("AUTH " + r.Password())
	if got := c.do("EXISTS a"); got != ":0" {
		t.Errorf("a restarted server isn't empty: %s", got)
	}
}

func TestRedisPauseIsSilence(t *testing.T) {
	r := startRedis(t)
	c := dialRedis(t, r)
	c.do("AUTH " + r.Password())
	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if b, err := c.in.Peek(1); err == nil {
		t.Fatalf("a paused server answered %q", b)
	}
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := r.Continue(); err != nil {
		t.Fatal(err)
	}
	if line, err := c.in.ReadString('\n'); err != nil || line != "+PONG\r\n" {
		t.Errorf("after continue: %q, %v", line, err)
	}
}

func TestFindRedisTakesTheOneGiven(t *testing.T) {
	own := startRedis(t)
	t.Setenv("PGCACHE_TEST_REDIS", own.URL())
	r, err := FindRedis(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Given() || r.URL() != own.URL() || r.Addr() != own.Addr() || r.Password() != own.Password() {
		t.Errorf("found %s, want the server given", r.Addr())
	}
	for name, err := range map[string]error{
		"start": r.Start(t.Context()), "stop": r.Stop(t.Context()), "pause": r.Pause(), "continue": r.Continue(),
	} {
		if !errors.Is(err, ErrGiven) {
			t.Errorf("%s of a given server: %v", name, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	dialRedis(t, own).do("PING") // fails the test unless it is still there
}

func TestFindRedisRejectsWhatIsNoURL(t *testing.T) {
	t.Setenv("PGCACHE_TEST_REDIS", "redis//:secret@nowhere")
	if _, err := FindRedis(t.Context(), Options{}); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

func TestRedisAddrHasADefaultPort(t *testing.T) {
	t.Setenv("PGCACHE_TEST_REDIS", "rediss://cache.example/1")
	r, err := FindRedis(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Addr(); got != "cache.example:6379" {
		t.Error(got)
	}
}
