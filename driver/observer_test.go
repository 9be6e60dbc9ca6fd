package driver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// diary is an observer that writes down what it is told.
type diary struct {
	mu          sync.Mutex
	lookups     []Lookup
	fills       []Fill
	invalidated []Invalidation
	feed        []FeedChange
	lifecycle   []string
	contexts    []any
}

type diaryKey struct{}

func (d *diary) observer() Observer {
	return Observer{
		Opened: func(c *Connector) {
			d.note(func() { d.lifecycle = append(d.lifecycle, "opened "+c.Server().Database) })
		},
		Closed: func(c *Connector) {
			d.note(func() { d.lifecycle = append(d.lifecycle, "closed "+c.Server().Database) })
		},
		Lookup: func(ctx context.Context, l Lookup) {
			d.note(func() { d.lookups, d.contexts = append(d.lookups, l), append(d.contexts, ctx.Value(diaryKey{})) })
		},
		Fill: func(ctx context.Context, f Fill) {
			d.note(func() { d.fills, d.contexts = append(d.fills, f), append(d.contexts, ctx.Value(diaryKey{})) })
		},
		Invalidated: func(i Invalidation) { d.note(func() { d.invalidated = append(d.invalidated, i) }) },
		Feed:        func(f FeedChange) { d.note(func() { d.feed = append(d.feed, f) }) },
	}
}

func (d *diary) note(write func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	write()
}

// results gives the results of the lookups since the last call, and their rules.
func (d *diary) results() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var s []string
	for _, l := range d.lookups {
		s = append(s, strings.TrimSpace(string(l.Result)+" "+l.Rule))
	}
	d.lookups = nil
	return strings.Join(s, ", ")
}

// sources gives what made answers stale since the last call.
func (d *diary) sources() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var s []string
	for _, i := range d.invalidated {
		if s = append(s, string(i.Source)); i.All {
			s[len(s)-1] += " all"
		}
	}
	d.invalidated = nil
	return strings.Join(s, ", ")
}

func newObserved(t *testing.T, params ...string) (*fixture, *diary) {
	t.Helper()
	f, d := newFixture(t), new(diary)
	f.DB, f.connector = f.openWith([]Option{WithObserver(d.observer()), WithObserver(Observer{})}, params...)
	return f, d
}

func TestObserverIsToldOfLookups(t *testing.T) {
	f, d := newObserved(t, "rule=short: sql~short ttl=1ns stale=1h", "rule=all: table=accounts ttl=1h")
	const query, short = "select owner from accounts where id = $1", "select /* short */ owner from accounts where id = $1"
	tx, err := f.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, c := range []struct {
		what string
		do   func()
		want string
	}{
		{"a miss", func() { f.read(f.DB, query, 1) }, "miss all"},
		{"a hit", func() { f.read(f.DB, query, 1) }, "hit all"},
		{"no rule", func() { f.read(f.DB, "select 1") }, "bypass"},
		{"in a transaction", func() { f.read(tx, query, 1) }, "bypass"},
		{"too old", func() { f.read(f.DB, short, 1); f.read(f.DB, short, 1) }, "miss short, stale short"},
		{"an error of PostgreSQL's", func() { readAll(t.Context(), f.DB, "select 1/balance from accounts") }, "miss all"},
		{"only if it is cached, and it is not", func() { readAll(CacheOnly(t.Context()), f.DB, query, 2) }, "none all"},
		{"only if it is cached, and it can't be", func() { readAll(CacheOnly(t.Context()), f.DB, "select 2") }, "none"},
		{"a command", func() { f.read(f.DB, "show pgcache.stats") }, ""},
	} {
		c.do()
		if got := d.results(); got != c.want {
			t.Errorf("%s: told of %q, want %q", c.what, got, c.want)
		}
	}
}

func TestObserverIsToldHowLongAndWhat(t *testing.T) {
	f, d := newObserved(t)
	ctx := context.WithValue(t.Context(), diaryKey{}, "the caller's")
	const query = "select id, owner from accounts where branch = 3"
	for range 2 {
		if _, err := readAll(ctx, f.DB, query); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := readAll(ctx, f.DB, "select 1/balance from accounts"); err == nil {
		t.Error("no division by zero")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lookups) != 3 || len(d.fills) != 2 {
		t.Fatalf("told of %+v and %+v", d.lookups, d.fills)
	}
	for _, l := range d.lookups {
		if l.Duration <= 0 || l.Duration > time.Minute {
			t.Errorf("a lookup of %v", l.Duration)
		}
	}
	miss, hit, wrong, good, bad := d.lookups[0], d.lookups[1], d.lookups[2], d.fills[0], d.fills[1]
	if miss.SQL != query || miss.Saved != 0 || miss.Err != nil || hit.SQL != query || hit.Err != nil {
		t.Errorf("a miss %+v, a hit %+v", miss, hit)
	}
	if hit.Saved <= 0 || hit.Saved > good.Duration {
		t.Errorf("a hit saved %v of a fill that took %v", hit.Saved, good.Duration)
	}
	if good.Rule != "all" || good.SQL != query || good.Rows != 100 || good.Bytes < 100*10 || good.Err != nil || time.Since(good.Started) > time.Minute {
		t.Errorf("a fill %+v", good)
	}
	if bad.Err == nil || bad.Rows != 0 || bad.Bytes != 0 || wrong.Err == nil {
		t.Errorf("a fill that failed %+v, for %+v", bad, wrong)
	}
	for _, value := range d.contexts {
		if value != "the caller's" {
			t.Errorf("a context with %v", value)
		}
	}
}

// Whoever waits for a fill is told apart from who set it off.
func TestObserverIsToldOfCoalesced(t *testing.T) {
	f, d := newObserved(t)
	f.read(f.DB, "select 1 from accounts where id = 0") // dials
	d.results()
	unlock := f.lock("accounts")
	var wg sync.WaitGroup
	wg.Go(func() { f.read(f.DB, "select count(*) from accounts") })
	f.waitForLockWaiters(1)
	wg.Go(func() { f.read(f.DB, "select count(*) from accounts") })
	f.eventually("somebody waiting for the fill", func() bool {
		f.connector.cache.flights.mu.Lock()
		defer f.connector.cache.flights.mu.Unlock()
		for _, flight := range f.connector.cache.flights.byKey {
			return flight.waiting == 1
		}
		return false
	})
	unlock()
	wg.Wait()
	if got := d.results(); got != "miss all, coalesced all" && got != "coalesced all, miss all" {
		t.Errorf("told of %q", got)
	}
	if len(d.fills) != 2 {
		t.Errorf("told of %d fills", len(d.fills))
	}
}

func TestObserverIsToldOfInvalidations(t *testing.T) {
	f, d := newObserved(t)
	for _, c := range []struct {
		what, want string
		do         func()
	}{
		{"a write", "write", func() { f.exec(f.DB, "update accounts set balance = 1 where id = 1") }},
		{"a write that failed", "write", func() { f.DB.ExecContext(t.Context(), "insert into accounts values (1, 1)") }},
		{"a transaction", "write", func() {
			tx, err := f.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			f.exec(tx, "update accounts set balance = 2 where id = 1")
			f.exec(tx, "update accounts set balance = 3 where id = 1")
			if err := tx.Commit(); err != nil {
				t.Fatal(err)
			}
		}},
		{"a read", "", func() { f.read(f.DB, "select * from accounts") }},
		{"a call", "call", func() { f.exec(f.DB, "call pgcache.invalidate('accounts')") }},
		{"a flush", "call all", func() { f.exec(f.DB, "call pgcache.flush()") }},
		{"the schema", "schema all", func() { f.exec(f.DB, "alter table accounts add note text") }},
	} {
		c.do()
		if got := d.sources(); got != c.want {
			t.Errorf("%s: told of %q, want %q", c.what, got, c.want)
		}
	}
}

func TestObserverIsToldOfTheFeed(t *testing.T) {
	server := pgtest.Own(t)
	f, d := fixtureOn(t, server.DSN("")), new(diary)
	f.DB, f.connector = f.openWith([]Option{WithObserver(d.observer())}, "rule=all: * ttl=1h", "feed=touch")
	f.follows()
	told := func(what string, of func() bool) {
		t.Helper()
		f.eventually(what, func() bool { d.mu.Lock(); defer d.mu.Unlock(); return of() })
	}
	told("the feed's begin", func() bool { return len(d.feed) == 1 && d.feed[0] == FeedChange{"touch", true, nil} })
	f.read(f.DB, "select 1 from accounts") // the feed covers the table
	d.sources()
	f.exec(f.plain, "update accounts set balance = 1 where id = 1")
	f.eventually("somebody else's write", func() bool { return strings.HasPrefix(d.sources(), "feed") })
	if err := errors.Join(server.Stop(t.Context(), testenv.Fast), server.Start(t.Context())); err != nil {
		t.Fatal(err)
	}
	told("the feed's end", func() bool { return len(d.feed) > 1 && !d.feed[1].Live && d.feed[1].Err != nil })
	told("the feed's return", func() bool { return d.feed[len(d.feed)-1].Live })
}

func TestObserverIsToldOfConnectors(t *testing.T) {
	f, d := newObserved(t)
	var database string
	if err := f.plain.QueryRowContext(t.Context(), "select current_database()").Scan(&database); err != nil {
		t.Fatal(err)
	}
	// Without a rule there is nothing to observe.
	off, err := OpenDB(f.dsn, WithObserver(d.observer()))
	if err != nil {
		t.Fatal(err)
	}
	again, err := NewConnector(asKeywords(t, f.dsn)+" pgcache_rule='all: * ttl=1h'", WithObserver(d.observer()))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(off.Close(), again.Close(), again.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("opened %[1]s, opened %[1]s, closed %[1]s, closed %[1]s", database)
	if got := strings.Join(d.lifecycle, ", "); got != want {
		t.Errorf("told of %q, want %q", got, want)
	}
}

// BenchmarkHit is a hit through database/sql: with nobody told of it, and with an observer that does nothing.
func BenchmarkHit(b *testing.B) {
	dsn := pgtest.Database(b)
	for _, c := range []struct {
		name string
		opts []Option
	}{
		{"unobserved", nil},
		{"observed", []Option{WithObserver(Observer{Lookup: func(context.Context, Lookup) {}})}},
	} {
		b.Run(c.name, func(b *testing.B) {
			db, err := OpenDB(dsn+"&pgcache_rule=all:+*+ttl=1h", c.opts...)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			var n int
			read := func() error { return db.QueryRow("values (1)").Scan(&n) }
			if err := read(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
