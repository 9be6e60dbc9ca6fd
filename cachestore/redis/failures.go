package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

var (
	// ErrUnavailable is the error of an operation that wasn't tried, because Redis failed several times in a row just before, or
	// because the store was closed.
	ErrUnavailable = errors.New("pgcache: Redis is not available")
	// ErrTimeout is the error of an operation that took longer than Config.Timeout.
	ErrTimeout = errors.New("pgcache: Redis did not answer in time")
)

// failure is what went wrong with an operation. It is never shown with a password in it.
type failure struct {
	operation string
	err       error
	text      string
}

func (f *failure) Error() string { return "pgcache: Redis: " + f.operation + ": " + f.text }
func (f *failure) Unwrap() error { return f.err }

// fail explains err, which is not nil, to the caller whose context is given.
func (s *Store) fail(caller context.Context, operation string, err error) error {
	switch {
	case ended(caller) != nil:
		err = ended(caller)
	case timedOut(err):
		return fmt.Errorf("%w: %s, %v", ErrTimeout, operation, s.timeout)
	}
	text := err.Error()
	for _, secret := range s.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "xxxxx")
		}
	}
	return &failure{operation: operation, err: err, text: text}
}

// ended is the error of a context that has ended. A context itself says so a little late when its deadline has passed: connections
// with the same deadline have given up by then.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, goredis.ErrPoolTimeout) || errors.As(err, &t) && t.Timeout()
}

// refusals are what replies start with of a server that takes no writes at the moment, while reads go well: memory is full, it is a
// replica, too few replicas follow, the disk is full.
var refusals = []string{"OOM ", "READONLY ", "NOREPLICAS ", "MISCONF "}

// refused tells whether err is Redis's own refusal of a write.
func refused(err error) bool {
	var reply goredis.Error
	return errors.As(err, &reply) && slices.ContainsFunc(refusals, func(start string) bool {
		return strings.HasPrefix(reply.Error(), start) || strings.Contains(reply.Error(), "-"+start) // in the error of a script
	})
}
