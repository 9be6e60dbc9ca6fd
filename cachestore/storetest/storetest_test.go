package storetest

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gopgcache/pgcache/cachestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errVague = errors.New("pgcache: something is wrong")

const room = 64 << 20

// TestReferencePasses runs every check against a store that has no fault.
func TestReferencePasses(t *testing.T) {
	Exercise(t,
		func(*testing.T) cachestore.Store { return newReference(room, time.Now, fault{}) },
		WithClock(func(_ *testing.T, now func() time.Time) cachestore.Store {
			return newReference(room, now, fault{})
		}),
		WithLimit(func(_ *testing.T, limit int64) cachestore.Store {
			return newReference(limit, time.Now, fault{})
		}),
	)
}

// recorder is a reporter that remembers whether something was reported.
type recorder struct {
	mu       sync.Mutex
	messages []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// record runs a check and returns what it reported.
func record(run func(reporter)) []string {
	r, done := &recorder{}, make(chan struct{})
	go func() { // of its own, so that Fatalf can end it
		defer close(done)
		run(r)
	}()
	<-done
	return r.messages
}

// recorded returns every check, to be run against a reference store with a fault of its own.
func recorded() map[string]func(f fault) []string {
	all := map[string]func(fault) []string{}
	for _, c := range checks {
		all[c.name] = func(f fault) []string {
			return record(func(r reporter) { c.run(probe{r, newReference(room, time.Now, f), 0}) })
		}
	}
	for _, c := range clockChecks {
		all[c.name] = func(f fault) []string {
			clock := newClock()
			return record(func(r reporter) { c.run(probe{r, newReference(room, clock.now, f), 0}, clock) })
		}
	}
	for _, c := range boundChecks {
		all[c.name] = func(f fault) []string {
			return record(func(r reporter) { c.run(probe{r, newReference(bound, time.Now, f), 0}) })
		}
	}
	return all
}

// TestEveryCheckCanFail shows for each fault that the checks it is meant for see it, and that no check is left that
// nothing makes fail.
func TestEveryCheckCanFail(t *testing.T) {
	all, seen := recorded(), map[string]bool{}
	for _, test := range faults {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range test.seenBy {
				seen[name] = true
				if run := all[name]; run == nil {
					t.Errorf("there is no check %q", name)
				} else if len(run(test.fault())) == 0 {
					t.Errorf("%q doesn't see it", name)
				}
			}
		})
	}
	for name := range all {
		if !seen[name] {
			t.Errorf("no fault is meant to be seen by %q", name)
		}
	}
}
