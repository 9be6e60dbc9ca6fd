package relay

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

// network connects processes inside one, as HTTP would connect many.
type network struct {
	mu    sync.Mutex
	nodes map[string]*Streams
	names []string
	// serving are the streams that are being served.
	serving sync.WaitGroup
}

func (n *network) at(peer string) *Streams {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.nodes[peer]
}

// join adds a process.
func (n *network) join(name string) *Streams {
	s := NewStreams(StreamConfig{
		Peers: func() []string {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.names
		},
		Open: func(ctx context.Context, peer string) (io.ReadCloser, error) {
			node := n.at(peer)
			node.mu.Lock()
			leads := node.take != nil
			node.mu.Unlock()
			if !leads {
				return nil, ErrNotLeading // as the answer's status says
			}
			r, w := io.Pipe()
			n.serving.Go(func() { w.CloseWithError(node.Serve(context.WithoutCancel(ctx), w, nil)) })
			return r, nil
		},
		Send: func(_ context.Context, peer string, request []byte) error { return n.at(peer).Take(request) },
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.nodes == nil {
		n.nodes = make(map[string]*Streams)
	}
	n.nodes[name], n.names = s, append(n.names, name)
	return s
}

// A process that does not lead refuses, and a follower that reads too slowly is let go rather than waited for.
func TestStreamRefusesAndLetsGo(t *testing.T) {
	var n network
	s := n.join("a")
	if err := s.Serve(t.Context(), io.Discard, nil); !errors.Is(err, ErrNotLeading) {
		t.Errorf("served by one who does not lead: %v", err)
	}
	if err := s.Take(nil); !errors.Is(err, ErrNotLeading) {
		t.Errorf("taken by one who does not lead: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() { _ = s.Listen(ctx, func([]byte) {}) })
	var subscription Subscription
	for subscription == nil { // until it leads
		subscription, _ = n.join("b").Subscribe(t.Context())
	}
	large := make([]byte, streamLimit)
	for range 4 * maxBehind / streamLimit {
		if err := s.Publish(t.Context(), large); err != nil {
			t.Fatal(err)
		}
	}
	waiting, done := context.WithTimeout(t.Context(), patience)
	defer done()
	var err error
	for err == nil {
		_, err = subscription.Receive(waiting)
	}
	if !errors.Is(err, ErrBehind) {
		t.Errorf("the slow one has %v", err)
	}
	subscription.Close()
	cancel()
	listening.Wait()
	n.serving.Wait()
}

// A peer that neither answers nor refuses is not waited for longer than a second, nor after the context has ended.
func TestStreamPeerIsSilent(t *testing.T) {
	s := NewStreams(StreamConfig{
		Peers: func() []string { return []string{"a", "b"} },
		Open: func(context.Context, string) (io.ReadCloser, error) {
			r, _ := io.Pipe()
			return r, nil
		},
	})
	begun := time.Now()
	if _, err := s.Subscribe(t.Context()); err == nil || time.Since(begun) > 5*openTimeout {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	begun = time.Now()
	if _, err := s.Subscribe(ctx); err == nil || time.Since(begun) > openTimeout/2 {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}
