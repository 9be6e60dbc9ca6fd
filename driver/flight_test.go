package driver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const sumOfAll = "select count(*), sum(id) from accounts"

// ask runs a query in a goroutine of its own.
func (f *fixture) ask(ctx context.Context, query string, args ...any) <-chan result {
	c := make(chan result, 1)
	go func() {
		got, err := readAll(ctx, f.DB, query, args...)
		c <- result{got, err}
	}()
	return c
}

type result struct {
	text string
	err  error
}

// waiting tells how many queries wait for somebody else's fill.
func (f *fixture) waiting() int {
	fs := &f.connector.cache.flights
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := 0
	for _, fl := range fs.byKey {
		n += fl.waiting
	}
	return n
}

func TestOneFillForAll(t *testing.T) {
	const callers = 200
	f := newFixture(t)
	unlock := f.lock("accounts")
	var answers []<-chan result
	for range callers {
		answers = append(answers, f.ask(t.Context(), sumOfAll))
	}
	f.eventually("everybody waits", func() bool { return f.waiting() == callers-1 })
	unlock()
	for _, a := range answers {
		if r := <-a; r.err != nil || r.text != "1000 500500" {
			t.Fatalf("%q, %v", r.text, r.err)
		}
	}
	if n := f.queries.Load(); n != 1 {
		t.Errorf("PostgreSQL saw %d queries, want 1", n)
	}
	if s := f.connector.Stats(); s.Coalesced != callers-1 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
}

// firstLeaves has one caller ask for what is locked, another wait for the same answer, and the first leave over an error.
func (f *fixture) firstLeaves(end error) (first, second <-chan result, unlock func()) {
	f.t.Helper()
	unlock = f.lock("accounts")
	ctx, leave := context.WithCancel(f.t.Context())
	first = f.ask(deadlineOn(ctx, end), sumOfAll)
	f.waitForLockWaiters(1)
	second = f.ask(f.t.Context(), sumOfAll)
	f.eventually("the second waits", func() bool { return f.waiting() == 1 })
	leave()
	return first, second, unlock
}

// The caller who set a fill off may leave; it goes on for the others, and the caller's connection is good for more.
func TestFirstCallerLeaves(t *testing.T) {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		t.Run(end.Error(), func(t *testing.T) {
			f := newFixture(t)
			f.want("select 1 from accounts where false")
			f.queries.Store(0)
			first, second, unlock := f.firstLeaves(end)
			if r := <-first; !errors.Is(r.err, end) {
				t.Errorf("first: %q, %v", r.text, r.err)
			}
			unlock()
			if r := <-second; r.err != nil || r.text != "1000 500500" {
				t.Errorf("second: %q, %v", r.text, r.err)
			}
			f.isHit(sumOfAll)
			if n := f.queries.Load(); n != 1 {
				t.Errorf("PostgreSQL saw %d queries, want 1", n)
			}
			f.eventually("all connections are back", func() bool { return f.Stats().InUse == 0 })
		})
	}
}

// deadlineOn gives a context that ends when parent is cancelled, with the error end.
func deadlineOn(parent context.Context, end error) context.Context { return &ending{parent, end} }

type ending struct {
	context.Context
	end error
}

func (e *ending) Err() error {
	if e.Context.Err() == nil {
		return nil
	}
	return e.end
}

// A caller alone takes its query along when it leaves, whichever goroutine reads it.
func TestOnlyCallerLeaves(t *testing.T) {
	for _, attended := range []bool{false, true} {
		t.Run(fmt.Sprint("attended ", attended), func(t *testing.T) {
			f := newFixture(t)
			if attended {
				f.wasQuick(sumOfAll)
			}
			unlock := f.lock("accounts")
			defer unlock()
			ctx, leave := context.WithCancel(t.Context())
			only := f.ask(ctx, sumOfAll)
			f.waitForLockWaiters(1)
			leave()
			if r := <-only; !errors.Is(r.err, context.Canceled) {
				t.Errorf("%q, %v", r.text, r.err)
			}
			f.waitForLockWaiters(0)
		})
	}
}

func TestWaiterHonoursItsContext(t *testing.T) {
	f := newFixture(t)
	unlock := f.lock("accounts")
	first := f.ask(t.Context(), sumOfAll)
	f.waitForLockWaiters(1)
	ctx, leave := context.WithCancel(t.Context())
	second := f.ask(ctx, sumOfAll)
	f.eventually("the second waits", func() bool { return f.waiting() == 1 })
	leave()
	if r := <-second; !errors.Is(r.err, context.Canceled) {
		t.Errorf("second: %q, %v", r.text, r.err)
	}
	unlock()
	if r := <-first; r.err != nil {
		t.Error(r.err)
	}
}

// Everybody who waits gets PostgreSQL's own error.
func TestErrorForAll(t *testing.T) {
	const query = "select 1 / (id - 1) from accounts order by id"
	f := newFixture(t)
	unlock := f.lock("accounts")
	var answers []<-chan result
	for range 5 {
		answers = append(answers, f.ask(t.Context(), query))
	}
	f.eventually("everybody waits", func() bool { return f.waiting() == 4 })
	unlock()
	for _, a := range answers {
		var refusal *pgconn.PgError
		if r := <-a; !errors.As(r.err, &refusal) || refusal.Code != "22012" {
			t.Errorf("%q, %v", r.text, r.err)
		}
	}
	if n := f.queries.Load(); n != 1 {
		t.Errorf("PostgreSQL saw %d queries, want 1", n)
	}
}

// When the fill's connection breaks, the next one tries.
func TestFillIsKilled(t *testing.T) {
	f := newFixture(t)
	unlock := f.lock("accounts")
	first := f.ask(t.Context(), sumOfAll)
	f.waitForLockWaiters(1)
	second := f.ask(t.Context(), sumOfAll)
	f.eventually("the second waits", func() bool { return f.waiting() == 1 })
	f.exec(f.plain, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
	if r := <-first; r.err == nil {
		t.Errorf("first: %q", r.text)
	}
	f.waitForLockWaiters(1)
	unlock()
	if r := <-second; r.err != nil || r.text != "1000 500500" {
		t.Errorf("second: %q, %v", r.text, r.err)
	}
}

// Nobody waits longer than lock= for somebody else's fill.
func TestLongestWait(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h lock=1ms")
	unlock := f.lock("accounts")
	first, second := f.ask(t.Context(), sumOfAll), f.ask(t.Context(), sumOfAll)
	f.waitForLockWaiters(2)
	unlock()
	for _, a := range []<-chan result{first, second} {
		if r := <-a; r.err != nil || r.text != "1000 500500" {
			t.Errorf("%q, %v", r.text, r.err)
		}
	}
}

// A query that begins after a write is not answered by a fill that began before it.
func TestLaterCallerDoesNotJoinAnOlderFill(t *testing.T) {
	f := newFixture(t)
	f.exec(f.plain, "create table slow (id int); insert into slow values (1)")
	const query = "select balance, (select count(*) from slow) from accounts where id = 1"
	f.want(query)
	f.exec(f.DB, "call pgcache.flush()")
	unlock := f.lock("slow") // the fill has its snapshot only when it gets the lock, so hold it and write elsewhere
	first := f.ask(t.Context(), query)
	f.waitForLockWaiters(1)
	f.exec(f.DB, "update accounts set balance = 5 where id = 1")
	second := f.ask(t.Context(), query)
	f.waitForLockWaiters(2)
	unlock()
	<-first
	if r := <-second; r.err != nil || r.text != "5 1" {
		t.Errorf("%q, %v", r.text, r.err)
	}
	if d := f.connector.Stats().Coalesced; d != 0 {
		t.Errorf("%d coalesced", d)
	}
}

func TestLimits(t *testing.T) {
	f := newFixture(t,
		"rule=rows: sql~by_rows max_rows=10 ttl=1h",
		"rule=bytes: sql~by_bytes max_bytes=1KiB ttl=1h",
		"rule=empty: sql~no_empty empty=skip ttl=1h",
		"rule=rest: * ttl=1h", "max_entry=10KiB")
	const all = "select id, owner from accounts order by id limit %d"
	for _, c := range []struct {
		query string
		kept  bool
	}{
		{fmt.Sprintf(all, 10) + " /* by_rows */", true},
		{fmt.Sprintf(all, 11) + " /* by_rows */", false},
		{fmt.Sprintf(all, 10) + " /* by_bytes */", true},
		{fmt.Sprintf(all, 100) + " /* by_bytes */", false},
		{fmt.Sprintf(all, 100), true},
		{fmt.Sprintf(all, 1000), false},
		{fmt.Sprintf(all, 0), true},
		{fmt.Sprintf(all, 0) + " /* no_empty */", false},
	} {
		f.want(c.query)
		if c.kept {
			f.isHit(c.query)
		} else {
			f.isNoHit(c.query)
		}
	}
}

// A result that is too large streams in bounded memory, to a reader who is slower than the server.
func TestLargeResultStreams(t *testing.T) {
	const rows, width = 50_000, 1000
	f := newFixture(t, "rule=all: * ttl=1h", "max_entry=64KiB")
	f.exec(f.plain, "create table wide as select g as id, repeat('x', $1) as text from generate_series(1, $2) g", width, rows)
	result, err := f.Query("select id, text from wide")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	before := heap()
	var most uint64
	for n := 0; result.Next(); n++ {
		var id int
		var text string
		if err := result.Scan(&id, &text); err != nil || len(text) != width {
			t.Fatal(len(text), err)
		}
		if n%(rows/10) == rows/20 {
			most = max(most, heap())
		}
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	if grown := int64(most) - int64(before); grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes while %d were read", grown, rows*width)
	}
	f.want("select 1 from accounts where id = 1")
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A reader who stops early leaves a connection that is good for more, whatever the size.
func TestCloseEarly(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "max_entry=4KiB")
	f.SetMaxOpenConns(1)
	for _, limit := range []int{1, 10, 1000} {
		query := fmt.Sprintf("select a.id, b.owner from accounts a, accounts b order by 1, 2 limit %d", limit)
		for range 2 {
			rows, err := f.Query(query)
			if err != nil {
				t.Fatal(err)
			}
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
		}
		f.want(query)
	}
}

func TestStaleWhileRevalidate(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1ns stale=1h")
	f.want(byID, 1)
	f.exec(f.plain, "update accounts set balance = 3 where id = 1") // not seen by the cache
	if got := f.read(f.DB, byID, 1); got != "owner 1 0" {
		t.Errorf("stale: %q", got)
	}
	f.eventually("the background fill", func() bool { return f.read(f.DB, byID, 1) == "owner 1 3" })
	f.exec(f.DB, "update accounts set balance = 4 where id = 1") // an own write is never served stale
	f.want(byID, 1)
}

func TestEarlyRefresh(t *testing.T) {
	if early(0, time.Hour, time.Millisecond) {
		t.Error("a new entry with a cheap fill is refreshed")
	}
	if !early(time.Hour, time.Hour, time.Millisecond) {
		t.Error("an entry at its end is not refreshed")
	}
	n := 0
	for range 1000 {
		if early(time.Hour-time.Second, time.Hour, time.Second) {
			n++
		}
	}
	if n < 250 || n > 500 { // one in e
		t.Errorf("%d of 1000 one fill before the end", n)
	}
}

// Concurrent readers and writers through one cache: a reader never sees less than what a writer had been told was done.
func TestReadYourWrites(t *testing.T) {
	f := newFixture(t)
	f.SetMaxOpenConns(16)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := 1; i <= 100; i++ {
				f.writeAndRead(w+1, i)
			}
		})
		wg.Go(func() {
			for range 200 {
				_, _ = readAll(t.Context(), f.DB, byID, w+1)
			}
		})
	}
	wg.Wait()
	if s := f.connector.Stats(); s.Hits == 0 {
		t.Errorf("%+v", s)
	}
}

func (f *fixture) writeAndRead(id, balance int) {
	tx, err := f.BeginTx(f.t.Context(), &sql.TxOptions{})
	if err == nil {
		_, err = tx.Exec("update accounts set balance = $2 where id = $1", id, balance)
		err = errors.Join(err, tx.Commit())
	}
	if err != nil {
		f.t.Error(err)
		return
	}
	for range 2 {
		got, err := readAll(f.t.Context(), f.DB, byID, id)
		if want := fmt.Sprintf("owner %d %d", id, balance); err != nil || !strings.HasSuffix(got, want) {
			f.t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

// Who asks for a younger answer than the rule does is not given one that was under way before, and waits for one of its own.
func TestOwnTTLOfWaiter(t *testing.T) {
	f := newFixture(t)
	f.want("select 1 from accounts where false")
	f.queries.Store(0)
	unlock := f.lock("accounts")
	first := f.ask(t.Context(), sumOfAll)
	f.waitForLockWaiters(1)
	second, third := f.ask(t.Context(), sumOfAll), f.ask(WithTTL(t.Context(), time.Nanosecond), sumOfAll)
	f.eventually("both wait", func() bool { return f.waiting() == 2 })
	unlock()
	for _, answer := range []<-chan result{first, second, third} {
		if r := <-answer; r.err != nil || r.text != "1000 500500" {
			t.Errorf("%q, %v", r.text, r.err)
		}
	}
	if n, s := f.queries.Load(), f.connector.Stats(); n != 2 || s.Coalesced != 1 {
		t.Errorf("PostgreSQL saw %d queries, and %d shared an answer; want 2 and 1", n, s.Coalesced)
	}
}
