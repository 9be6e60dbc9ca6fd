package redis

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/sony/gobreaker/v2"
)

const (
	// failuresToOpen is after how many failures in a row Redis is left alone.
	failuresToOpen = 4
	// openFor is how long Redis is left alone before one operation tries again.
	openFor = time.Second
	// quietFor is how long no further failure is logged after one was.
	quietFor = time.Minute
)

type breaker = gobreaker.CircuitBreaker[struct{}]

// guard runs operations, each for at most the timeout, and keeps circuit breakers over them, and another one over writes that Redis
// refuses. So a Redis that is down, or full, costs next to nothing.
type guard struct {
	timeout time.Duration
	entries [ranges]*breaker // one for each range of a Cluster's slots, so that a node that is down leaves others alone
	ledger  *breaker         // for what needs several nodes of a Cluster
	writes  *breaker
	failed  func() // is called when Redis failed
	logger  *slog.Logger
	logged  atomic.Int64 // when, in nanoseconds since 1970
	counts  counts
}

// counts are the counters behind Counters.
type counts struct {
	failed, refused, skipped, damaged, dropped atomic.Int64
}

// ownError is the error of an operation whose caller's context has ended: it says nothing about Redis.
type ownError struct{ error }

func (e ownError) Unwrap() error { return e.error }

// newGuard returns a guard for a Cluster or for one Redis, which has one breaker for everything but refused writes.
func newGuard(timeout time.Duration, logger *slog.Logger, cluster bool) *guard {
	g := &guard{timeout: timeout, logger: logger, failed: func() {}}
	settings := gobreaker.Settings{
		Timeout:      openFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresToOpen },
		IsSuccessful: func(err error) bool { return err == nil || refused(err) },
		IsExcluded: func(err error) bool {
			var own ownError
			return errors.As(err, &own) || errors.Is(err, goredis.ErrClosed)
		},
	}
	g.ledger = gobreaker.NewCircuitBreaker[struct{}](settings)
	for i := range g.entries {
		if g.entries[i] = g.ledger; cluster {
			g.entries[i] = gobreaker.NewCircuitBreaker[struct{}](settings)
		}
	}
	settings.IsSuccessful = func(err error) bool { return err == nil }
	settings.IsExcluded = func(err error) bool { return err != nil && !refused(err) }
	g.writes = gobreaker.NewCircuitBreaker[struct{}](settings)
	return g
}

// run runs an operation. The error of one that was not tried is ErrUnavailable; others are those of f as they are.
func (g *guard) run(caller context.Context, b *breaker, f func(ctx context.Context) error) error {
	_, err := b.Execute(func() (struct{}, error) {
		began, ctx := time.Now(), caller
		if deadline, ok := caller.Deadline(); !ok || deadline.Sub(began) > g.timeout { // a timer less if it is sooner already
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(caller, g.timeout)
			defer cancel()
		}
		err := f(ctx)
		// A caller that has waited about as long as the timeout has found out that Redis doesn't answer, whichever of the two
		// deadlines has passed first.
		if err != nil && ended(caller) != nil && time.Since(began) < g.timeout/2 {
			err = ownError{err}
		}
		return struct{}{}, err
	})
	return g.judge(err)
}

// runWrite is run for an operation that Redis may refuse when it is full.
func (g *guard) runWrite(caller context.Context, b *breaker, f func(ctx context.Context) error) error {
	_, err := g.writes.Execute(func() (struct{}, error) { return struct{}{}, g.run(caller, b, f) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return g.judge(err)
	}
	return err
}

// judge counts and logs what went wrong.
func (g *guard) judge(err error) error {
	var own ownError
	switch {
	case err == nil, errors.As(err, &own), errors.Is(err, goredis.ErrClosed):
		return err
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		g.counts.skipped.Add(1)
		return ErrUnavailable
	case refused(err):
		g.counts.refused.Add(1)
	default:
		g.counts.failed.Add(1)
		g.failed()
	}
	return err
}

// log says that Redis can't be used, unless that was said a short time ago.
func (g *guard) log(ctx context.Context, err error) {
	now, last := time.Now().UnixNano(), g.logged.Load()
	if last != 0 && now-last < int64(quietFor) || !g.logged.CompareAndSwap(last, now) {
		return
	}
	g.logger.WarnContext(ctx, "pgcache: Redis can't be used, PostgreSQL is asked instead", slog.Any("error", err),
		slog.Int64("failed", g.counts.failed.Load()), slog.Int64("refused", g.counts.refused.Load()))
}
