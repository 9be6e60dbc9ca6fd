package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// ended returns contexts that have ended, each with the error that a store must pass on.
func ended() map[error]context.Context {
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	cancel()
	return map[error]context.Context{context.Canceled: canceled, context.DeadlineExceeded: late}
}

// checkGetEnded: a caller who has left gets the reason, and neither an answer nor a miss that would send it on to
// PostgreSQL.
func checkGetEnded(p probe) {
	p.put(keyOf(1), entryOf(1, 10))
	for want, ctx := range ended() {
		for _, key := range []cachestore.Key{keyOf(1), keyOf(2)} {
			if entry, err := p.store.Get(ctx, key); entry != nil || !errors.Is(err, want) {
				p.Errorf("Get with an ended context gave an entry: %t, error %v; want %v", entry != nil, err, want)
			}
		}
	}
}

// checkPutEnded: a put that can't be done says so, and one that says it was done was done.
func checkPutEnded(p probe) {
	old := entryOf(1, 10)
	p.put(keyOf(1), old)
	for want, ctx := range ended() {
		replacement := entryOf(2, 10)
		err := p.store.Put(ctx, keyOf(1), replacement)
		switch {
		case err == nil:
			p.want(keyOf(1), replacement)
			old = replacement
		case !errors.Is(err, want):
			p.Errorf("Put with an ended context: %v, want %v", err, want)
		default:
			p.want(keyOf(1), old)
		}
	}
}

// checkClearEnded: the same for Clear.
func checkClearEnded(p probe) {
	for want, ctx := range ended() {
		p.put(keyOf(1), entryOf(1, 10))
		err := p.store.Clear(ctx)
		if err == nil {
			p.wantNothing(keyOf(1), "but Clear says that it was done")
		} else if !errors.Is(err, want) {
			p.Errorf("Clear with an ended context: %v, want %v", err, want)
		}
	}
}
