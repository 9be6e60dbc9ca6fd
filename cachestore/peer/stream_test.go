package peer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestStreamArrivesAsItIs sends more than a chunk, in pieces, to who asks with a query.
func TestStreamArrivesAsItIs(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	large := bytes.Repeat([]byte("0123456789"), 20_000)
	fs[0].Handle("/changes", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Nobody", "sees")
		_, _ = io.WriteString(w, r.URL.Path+" "+r.URL.Query().Get("from")+" ")
		_, _ = w.Write(large)
	}))
	s, err := fs[1].Open(t.Context(), ss[0].config.Self, "/changes?from=1%202")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got, err := io.ReadAll(s)
	if want := "/changes 1 2 " + string(large); err != nil || string(got) != want {
		t.Errorf("%d bytes, want %d: %v", len(got), len(want), err)
	}
}

// TestStreamFlows: what is flushed arrives while the handler goes on, and a handler with nothing to say holds nobody up.
func TestStreamFlows(t *testing.T) {
	fs, ss := fleets(t, 2, func(_ int, c *Config) {
		c.pace.beat, c.pace.silence = 10*time.Millisecond, 2*time.Second
	})
	said, ended := make(chan string), make(chan struct{})
	fs[0].Handle("/talk", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		for {
			select {
			case word := <-said:
				_, _ = io.WriteString(w, word)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := fs[1].Open(ctx, ss[0].config.Self, "/talk")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, word := range []string{"one", "two", "three"} {
		said <- word
		got := make([]byte, len(word))
		if _, err := io.ReadFull(s, got); err != nil || string(got) != word {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	cancel()
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-ended
}

// TestStreamsThatEndBadly must not look complete.
func TestStreamsThatEndBadly(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	fs[0].Handle("/panics", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "some")
		panic("on purpose")
	}))
	fs[0].Handle("/refuses", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a secret reason", http.StatusBadRequest)
	}))
	for _, path := range []string{"/panics", "/refuses", "/none"} {
		s, err := fs[1].Open(t.Context(), ss[0].config.Self, path)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(s)
			_ = s.Close()
		}
		if err == nil || strings.Contains(string(got)+err.Error(), "reason") {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if _, err := fs[1].Open(t.Context(), "http://10.1.1.1:1", "/none"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("who is no peer: %v", err)
	}
}

// TestStreamCutShort has somebody in between end the connection, or change a byte.
func TestStreamCutShort(t *testing.T) {
	fs, ss := fleets(t, 2, nil)
	fs[0].Handle("/abc", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "abcdef") }))
	for name, alter := range map[string]func([]byte) []byte{
		"cut":     func(b []byte) []byte { return b[:len(b)-frameHeader-32] },
		"altered": func(b []byte) []byte { return bytes.Replace(b, []byte("abc"), []byte("abx"), 1) },
		"more":    func(b []byte) []byte { return append(b, b...) },
		"swapped": func(b []byte) []byte { return b[frameHeader+32:] },
	} {
		fs[1].roundTrip = middlemanAt(t, func(string) bool { return true }, alter)
		s, err := fs[1].Open(t.Context(), ss[0].config.Self, "/abc")
		if err == nil {
			_, err = io.ReadAll(s)
			_ = s.Close()
		}
		if err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	fs[1].roundTrip = fs[1].transport
	s, err := fs[1].Open(t.Context(), ss[0].config.Self, "/abc")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, err := io.ReadAll(s); err != nil || string(got) != "abcdef" {
		t.Errorf("untouched: %q, %v", got, err)
	}
}

// TestStreamEndsWithItsFleets closes either side while the other waits. The server goes on, for another Fleet.
func TestStreamEndsWithItsFleets(t *testing.T) {
	for side := range 2 {
		fs, ss := fleets(t, 2, nil)
		ss[0].config.Group = "another"
		ss[0].open(t)
		fs[0].Handle("/wait", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		s, err := fs[1].Open(t.Context(), ss[0].config.Self, "/wait")
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan error)
		go func() { _, err := s.Read(make([]byte, 1)); read <- err }()
		if err := fs[side].Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-read; err == nil || err == io.EOF {
			t.Errorf("side %d: %v", side, err)
		}
		_ = s.Close()
	}
}
