package driver

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrNotCached is the error of a query under [CacheOnly] that has no answer in the cache.
var ErrNotCached = errors.New("pgcache: not in the cache")

// wishes are what a caller asks of the cache for one statement.
type wishes struct {
	rule    string
	key     string
	ttl     time.Duration
	bypass  bool
	refresh bool
	only    bool
}

type wishKey struct{}

// wishing returns a context with one more wish.
func wishing(ctx context.Context, add func(*wishes)) context.Context {
	w := wishesOf(ctx)
	add(&w)
	wished.Store(true)
	return context.WithValue(ctx, wishKey{}, &w)
}

// wished is set once some caller of this process has wished for something: until then no context has to be searched for wishes.
var wished atomic.Bool

func wishesOf(ctx context.Context) wishes {
	if !wished.Load() {
		return wishes{}
	}
	if w, ok := ctx.Value(wishKey{}).(*wishes); ok {
		return *w
	}
	return wishes{}
}

// WithRule chooses the rule for the statements run with the context, as the hint rule= does. Its other matchers must hold
// all the same.
func WithRule(ctx context.Context, name string) context.Context {
	return wishing(ctx, func(w *wishes) { w.rule = name })
}

// WithTTL lowers the rule's ttl for the statements run with the context. A longer one than the rule's has no effect.
func WithTTL(ctx context.Context, ttl time.Duration) context.Context {
	return wishing(ctx, func(w *wishes) { w.ttl = ttl })
}

// WithKey adds a part to the key: statements that differ in it never share an answer.
func WithKey(ctx context.Context, key string) context.Context {
	return wishing(ctx, func(w *wishes) { w.key = key })
}

// Bypass sends the statements run with the context to PostgreSQL.
func Bypass(ctx context.Context) context.Context {
	return wishing(ctx, func(w *wishes) { w.bypass = true })
}

// Refresh sends the statements run with the context to PostgreSQL and keeps the answers in place of the old ones.
func Refresh(ctx context.Context) context.Context {
	return wishing(ctx, func(w *wishes) { w.refresh = true })
}

// CacheOnly never sends the queries run with the context to PostgreSQL: what is not in the cache, or can't be, fails with
// [ErrNotCached]. An answer past its ttl counts as absent unless the rule's stale= still allows it.
func CacheOnly(ctx context.Context) context.Context {
	return wishing(ctx, func(w *wishes) { w.only = true })
}
