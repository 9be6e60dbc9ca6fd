package peer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// TestRetryHasNoMorePatience: whoever asks for a second time, since the owner has failed, may wait with others who have more
// patience left, but no longer than its own lasts.
func TestRetryHasNoMorePatience(t *testing.T) {
	ss := sites(t, 3) // the last never opens: its kernel takes connections, and nobody answers
	defer ss[2].config.listener.Close()
	ss[1].config.Fill = func(ctx context.Context, _ []byte) (Filled, error) {
		<-ctx.Done()
		return Filled{}, ctx.Err()
	}
	ss[0].config.Timeout = 500 * time.Millisecond
	f, _ := ss[0].open(t), ss[1].open(t)
	ring, key := f.ring.Load(), ""
	for i := 'a'; ring.owner(key) != ss[2].config.Self || ring.standIn(key) != ss[1].config.Self; i++ {
		key = string(i)
	}
	ctx, leave := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for range 50 {
		others.Go(func() { _, _ = f.Fetch(ctx, Call{Key: key, Patience: 20 * time.Second}) })
	}
	began := time.Now()
	_, err := f.Fetch(t.Context(), Call{Key: key, Patience: time.Second})
	if took := time.Since(began); !errors.Is(err, ErrUnavailable) || took > 10*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	leave()
	others.Wait()
}
