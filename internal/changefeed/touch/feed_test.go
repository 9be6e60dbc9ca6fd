package touch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed/touch"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// locked keeps polls from being answered until it is released.
func locked(t *testing.T, dsn string) (release func()) {
	t.Helper()
	conn := connect(t, dsn)
	exec(t, conn, "begin", "lock table pgcache.touches in access exclusive mode")
	return func() { exec(t, conn, "commit") }
}

// stuck waits until a poll waits for a lock.
func stuck(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	for !scalar[bool](t, conn, "select exists (select from pg_stat_activity where application_name = 'pgcache touch log' and wait_event_type = 'Lock' and datname = current_database())") {
		if t.Context().Err() != nil {
			t.Fatal("no poll got stuck")
		}
	}
}

// Those who wait at the same time share a poll; whoever comes when it has begun waits for the next.
func TestBarriersShare(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	barrier(t, feed)
	release := locked(t, dsn)
	first := make(chan error, 1)
	go func() { first <- feed.Barrier(soon(t)) }()
	stuck(t, conn)
	var others, joined sync.WaitGroup
	for range 50 {
		joined.Add(1)
		ctx := &joining{Context: soon(t), joined: joined.Done}
		others.Go(func() {
			if err := feed.Barrier(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	joined.Wait()
	select {
	case err := <-first:
		t.Fatal("the barrier did not wait: ", err)
	default:
	}
	under := feed.Position(0) - 1 // the one under way
	release()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	others.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed <= under || d.passed > under+2 {
		t.Errorf("%d polls for 50 barriers", d.passed-under)
	}
}

// joining tells when somebody begins to wait for the context's end: a barrier has joined a poll by then.
type joining struct {
	context.Context
	once   sync.Once
	joined func()
}

func (j *joining) Done() <-chan struct{} {
	j.once.Do(j.joined)
	return j.Context.Done()
}

// With 32 who do nothing but wait at barriers, polls are shared by many.
func TestBarriersUnderLoad(t *testing.T) {
	dsn := database(t)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	barrier(t, feed)
	before := feed.Position(0)
	var barriers atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 200 {
				if err := feed.Barrier(soon(t)); err != nil {
					t.Error(err)
					return
				}
				barriers.Add(1)
			}
		})
	}
	all.Wait()
	polls := feed.Position(0) - before
	t.Logf("%d barriers, %d polls", barriers.Load(), polls)
	if barriers.Load() < 5*int64(polls) {
		t.Error("that is too little sharing")
	}
}

func TestBarrierFails(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	d := newDiary()
	feed := newFeed(t, dsn, never, d)
	if err := feed.Barrier(t.Context()); !errors.Is(err, touch.ErrNoStream) {
		t.Errorf("before there is a stream: %v", err)
	}
	run(t, feed)
	d.stream(t, 1)
	release := locked(t, dsn)
	waiting := make(chan error, 1)
	go func() { waiting <- feed.Barrier(soon(t)) }()
	stuck(t, conn)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := feed.Barrier(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
	next := make(chan error, 1)
	go func() { next <- feed.Barrier(soon(t)) }()
	exec(t, conn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgcache touch log' and datname = current_database()")
	if err := <-waiting; !errors.Is(err, touch.ErrNoStream) {
		t.Errorf("the stream breaks: %v", err)
	}
	if err := <-next; err != nil && !errors.Is(err, touch.ErrNoStream) {
		t.Errorf("the stream breaks, for who came later: %v", err)
	}
	release()
	d.stream(t, 2)
	for errors.Is(feed.Barrier(soon(t)), touch.ErrNoStream) {
		continue // on a busy machine a stream may not live long
	}
}

// fill reads a table as the driver does.
func fill(t *testing.T, conn *pgx.Conn, feed *touch.Feed, tracker *freshness.Tracker) *freshness.Fill {
	t.Helper()
	f := tracker.Begin()
	snapshot, err := freshness.ParseSnapshot(scalar[string](t, conn, "select pg_current_snapshot()::text"))
	if err != nil {
		t.Fatal(err)
	}
	f.Read(snapshot, feed.Position(0))
	return f
}

func tag(t *testing.T, conn *pgx.Conn, table string) []freshness.Tag {
	t.Helper()
	return []freshness.Tag{freshness.TableTag(scalar[uint32](t, conn, "select $1::text::regclass::oid", table))}
}

// admitted waits for the decision on a fill.
func admitted(t *testing.T, f *freshness.Fill, tables []freshness.Tag) bool {
	t.Helper()
	decided := make(chan bool, 1)
	f.Admit(freshness.Reads{Tables: tables, Tags: tables}, func(ok bool) { decided <- ok })
	select {
	case ok := <-decided:
		return ok
	case <-soon(t).Done():
		t.Fatal("nobody decides")
		return false
	}
}

// A fill is admitted, and an own write settled, though nobody waits at a barrier and the next poll is an hour away.
func TestFillsAndOwnWritesArePolledFor(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	a := tag(t, conn, "a")
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) || !d.tracker.Fresh(a, f.Position()) {
		t.Error("not admitted, or not fresh")
	}
	// The own write.
	exec(t, conn, "update a set v = 1")
	own := d.tracker.Own(freshness.Whole(a...), false)
	feed.Settle(own)
	d.wait(t, "the own write", func() bool {
		late := d.passed
		return d.tracker.Fresh(a, late)
	})
	if d.tracker.Fresh(a, f.Position()) {
		t.Error("an entry that was read before the write is fresh")
	}
	g := fill(t, conn, feed, d.tracker)
	if !admitted(t, g, a) || !d.tracker.Fresh(a, g.Position()) {
		t.Error("not admitted, or not fresh, after the write")
	}
}

// A poll that has looked before a write was made does not settle it.
func TestAPollUnderWaySettlesNothing(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	a := tag(t, conn, "a")
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) {
		t.Fatal("not admitted")
	}
	here, on := make(chan struct{}), make(chan struct{})
	d.note(func() { d.hold = func() { here <- struct{}{}; <-on } })
	first := make(chan error, 1)
	go func() { first <- feed.Barrier(soon(t)) }()
	<-here // the end of a poll is about to be noted
	exec(t, conn, "update a set v = 1")
	feed.Settle(d.tracker.Own(freshness.Whole(a...), false))
	on <- struct{}{}
	<-here // the next one has found the write, which is about to be noted
	if d.tracker.Fresh(a, f.Position()) {
		t.Error("an entry that was read before the write is fresh")
	}
	d.note(func() { d.hold = nil })
	on <- struct{}{}
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	barrier(t, feed)
	if d.tracker.Fresh(a, f.Position()) {
		t.Error("an entry that was read before the write is fresh afterwards")
	}
}

// A write that settles while there is no stream is delivered by the next one.
func TestSettleWithoutAStream(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	d := newDiary()
	feed := newFeed(t, dsn, never, d)
	a := tag(t, conn, "a")
	exec(t, conn, "update a set v = 1")
	feed.Settle(d.tracker.Own(freshness.Whole(a...), false))
	if d.tracker.Fresh(a, 1<<40) {
		t.Error("fresh without a stream")
	}
	run(t, feed)
	d.stream(t, 1)
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) || !d.tracker.Fresh(a, f.Position()) {
		t.Error("not admitted, or not fresh")
	}
}

// The next poll comes after the interval, without anybody's waiting.
func TestInterval(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	_, d := follow(t, dsn, 5*time.Millisecond)
	d.stream(t, 1)
	exec(t, conn, "update a set v = 1")
	d.wait(t, "the commit", func() bool { return len(d.commits) == 1 })
}

// What has to be mended first is named, and is tried again when it may have been.
func TestSetupErrors(t *testing.T) {
	dsn := pgtest.Database(t)
	conn := connect(t, dsn)
	exec(t, conn, schema)
	d := newDiary()
	feed := newFeed(t, dsn, never, d)
	run(t, feed)
	lost := func(kind error) func() bool {
		return func() bool {
			setup := (*touch.SetupError)(nil)
			return errors.Is(d.lost, kind) && errors.As(d.lost, &setup) && setup.Advice != ""
		}
	}
	d.wait(t, "nothing installed", lost(touch.ErrNotInstalled))
	install(t, conn)
	feed.Retry()
	d.stream(t, 1)
	barrier(t, feed)
	exec(t, conn, "drop schema pgcache cascade")
	if err := feed.Barrier(soon(t)); !errors.Is(err, touch.ErrNoStream) {
		t.Error(err)
	}
	d.wait(t, "uninstalled", lost(touch.ErrNotInstalled))
	install(t, conn)
	feed.Retry()
	d.stream(t, 2)
	exec(t, conn, "update a set v = 9")
	barrier(t, feed)
	if got := names(t, conn, d.take()); !strings.Contains(got, "a") {
		t.Error(got)
	}
}

func TestPrivilege(t *testing.T) {
	server := pgtest.Own(t)
	conn := connect(t, server.DSN(""))
	exec(t, conn, schema, "create role app login password 'app'")
	install(t, conn)
	d := newDiary()
	config, err := pgconn.ParseConfig(server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Password = "app", "app"
	feed := touch.New(touch.Config{Connect: config, Sink: d, Interval: never})
	run(t, feed)
	d.stream(t, 1) // whom nothing was granted
	barrier(t, feed)
	exec(t, conn, "revoke usage on schema pgcache from public",
		"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgcache touch log'")
	feed.Barrier(soon(t))
	d.wait(t, "no privilege", func() bool { return errors.Is(d.lost, touch.ErrPrivilege) })
	if strings.Contains(d.lost.Error(), config.Password+"'") {
		t.Error(d.lost)
	}
}

// A pooler is found out by its process number.
func TestPooler(t *testing.T) {
	dsn := database(t)
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &otherNumbers{Conn: conn}, err
	}
	d := newDiary()
	feed := touch.New(touch.Config{Connect: config, Sink: d, Interval: never})
	run(t, feed)
	d.wait(t, "a pooler", func() bool { return errors.Is(d.lost, touch.ErrPooler) })
}

// otherNumbers changes the process number that a server gives, as poolers do. It stands in a message of 13 bytes: K, the
// length, the process, a secret.
type otherNumbers struct {
	net.Conn

	message []byte // what is left of the message that is being handed on
	ready   bool
}

func (o *otherNumbers) Read(p []byte) (int, error) {
	if len(o.message) == 0 && o.ready {
		return o.Conn.Read(p)
	}
	if len(o.message) == 0 {
		if err := o.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, o.message)
	o.message = o.message[n:]
	return n, nil
}

// next reads one message, until the first query may come.
func (o *otherNumbers) next() error {
	header := make([]byte, 5)
	if _, err := io.ReadFull(o.Conn, header); err != nil {
		return err
	}
	length := int(header[1])<<24 | int(header[2])<<16 | int(header[3])<<8 | int(header[4])
	o.message = make([]byte, 1+length)
	copy(o.message, header)
	if _, err := io.ReadFull(o.Conn, o.message[5:]); err != nil {
		return err
	}
	switch header[0] {
	case 'K':
		o.message[8]++
	case 'Z':
		o.ready = true
	}
	return nil
}
