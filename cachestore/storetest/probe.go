package storetest

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
)

// reporter is the part of testing.TB that checks use. The package's own tests stand in another one, to see checks fail.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// probe is a store under test, with the reporter of what is wrong with it.
type probe struct {
	reporter
	store cachestore.Store
	// older is by how much an entry may come out older than it went in.
	older time.Duration
}

func (p probe) put(key cachestore.Key, entry *cachestore.Entry) {
	p.Helper()
	if err := p.store.Put(context.Background(), key, entry); err != nil {
		p.Errorf("Put: %v", err)
	}
}

func (p probe) get(key cachestore.Key) *cachestore.Entry {
	p.Helper()
	entry, err := p.store.Get(context.Background(), key)
	if err != nil {
		p.Errorf("Get: %v", err)
	}
	return entry
}

// want checks that key holds an entry equal to want.
func (p probe) want(key cachestore.Key, want *cachestore.Entry) {
	p.Helper()
	if got := p.get(key); got == nil {
		p.Errorf("key %x gives nothing", key[:4])
	} else if problem := difference(got, want, p.older); problem != "" {
		p.Errorf("key %x gives another entry than was put: %s", key[:4], problem)
	}
}

// wantNothing checks that key holds no entry.
func (p probe) wantNothing(key cachestore.Key, why string) {
	p.Helper()
	if p.get(key) != nil {
		p.Errorf("key %x gives an entry, %s", key[:4], why)
	}
}

// difference names the first field in which two entries differ. Entries needn't be the same in memory: a store may carry
// them through another process. Then one may come out as older than it is by a little, but not as younger.
func difference(got, want *cachestore.Entry, older time.Duration) string {
	switch {
	case got.Statement() != want.Statement():
		return "Statement"
	case got.Arguments() != want.Arguments():
		return "Arguments"
	case !bytes.Equal(got.Rows().AppendEncoded(nil), want.Rows().AppendEncoded(nil)):
		return "Rows"
	case got.Position() != want.Position():
		return "Position"
	case !slices.Equal(got.Tags(), want.Tags()):
		return "Tags"
	case got.ReadAt().After(want.ReadAt()), got.ReadAt().Before(want.ReadAt().Add(-older)):
		return "ReadAt"
	case got.Cost() != want.Cost():
		return "Cost"
	case got.Keep() != want.Keep():
		return "Keep"
	}
	return ""
}

// clock is a time that passes when the check says so.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
