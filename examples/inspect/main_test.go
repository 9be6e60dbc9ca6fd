package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/program/programtest"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// address is a writer that hands on the address that is written.
type address chan string

var printed = regexp.MustCompile(`http://127\.0\.0\.1:\d+/debug/pgcache/`)

func (a address) Write(p []byte) (int, error) {
	if url := printed.Find(p); url != nil {
		a <- string(url)
	}
	return len(p), nil
}

// The page is there, and soon has hits and a statement that is not cached; Ctrl-C ends it, and nothing is left.
func TestRun(t *testing.T) {
	programtest.EmptyRoom(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, ended := make(address, 1), make(chan error, 1)
	go func() { ended <- run(ctx, nil, out) }()
	select {
	case err := <-ended:
		t.Fatal(err)
	case url := <-out:
		wait(t, url, `<code>hits</code></th><td class="number"><data value="[1-9]`)
		wait(t, url, `<code>invalidations</code>`)
		wait(t, url+"statements", `no">not cacheable<`)
		wait(t, url+"feed", `wal: level tracked`)
	}
	cancel()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// wait asks for a page until it shows what is bound to come.
func wait(t *testing.T, url, want string) {
	t.Helper()
	shown := regexp.MustCompile(want)
	for began := time.Now(); ; runtime.Gosched() {
		answer, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		switch {
		case err != nil || answer.StatusCode != http.StatusOK:
			t.Fatalf("%s: %s, %v\n%s", url, answer.Status, err, body)
		case shown.Match(body):
			return
		case time.Since(began) > time.Minute:
			t.Fatalf("%s never shows %s:\n%s", url, want, body)
		}
	}
}

// With -for it ends by itself, and that is no error.
func TestLasts(t *testing.T) {
	programtest.EmptyRoom(t)
	if err := run(t.Context(), []string{"-for", "10ms"}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	for args, well := range map[string]bool{
		"": true, "-for 1m": true, "-listen 127.0.0.1:1": true, "-for -1s": false, "more": false, "-for ever": false,
	} {
		if _, err := parse(strings.Fields(args), io.Discard); (err == nil) != well {
			t.Errorf("%q: %v", args, err)
		}
	}
}
