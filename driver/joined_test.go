package driver

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// heldBack is a commit that is written and that the feed has told of, but that nobody sees yet.
type heldBack struct {
	f    *fixture
	done chan error
}

// holdBack runs a statement, or several, on a server whose commits wait for a standby that never comes. It returns when the feed has
// told of the commit. From then on the server has to be the fixture's own.
func (f *fixture) holdBack(tracker *freshness.Tracker, statement string) *heldBack {
	f.t.Helper()
	f.exec(f.plain, "alter system set synchronous_standby_names = 'nobody'")
	f.exec(f.plain, "select pg_reload_conf()")
	ctx := f.t.Context()
	probe, err := f.plain.Conn(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { probe.Close() })
	var waits atomic.Bool
	go func() { // again and again: the checkpointer's configuration is what counts, and it takes its time to read the new one
		for !waits.Load() && ctx.Err() == nil {
			_, _ = probe.ExecContext(ctx, "select pg_logical_emit_message(true, 'probe', '')")
		}
	}()
	f.eventually("commits wait", func() bool {
		return f.read(f.plain, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'") == "1"
	})
	waits.Store(true)
	before := tracker.Told()
	h := &heldBack{f: f, done: make(chan error, 1)}
	go func() {
		_, err := f.plain.ExecContext(ctx, statement, pgx.QueryExecModeSimpleProtocol)
		h.done <- err
	}()
	f.eventually("the feed tells of the commit", func() bool { return tracker.Told() > before && tracker.Position() >= tracker.Told() })
	if len(h.done) > 0 {
		f.t.Fatal("the commit was not held back")
	}
	return h
}

// release lets the commit be seen, and returns when it is acknowledged.
func (h *heldBack) release() {
	h.f.t.Helper()
	h.f.exec(h.f.plain, "alter system reset synchronous_standby_names")
	h.f.exec(h.f.plain, "select pg_reload_conf()")
	if err := <-h.done; err != nil {
		h.f.t.Fatal(err)
	}
}

// deafening makes connections on which, once it is armed, nothing is heard of the answer to what has "a word" in it.
type deafening struct {
	armed          atomic.Bool
	answered, hear chan struct{}
}

func (d *deafening) dialled(config *pgx.ConnConfig) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &deafened{Conn: conn, by: d}, err
	}
}

type deafened struct {
	net.Conn
	by   *deafening
	deaf bool
}

func (d *deafened) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("a word")) && d.by.armed.CompareAndSwap(true, false) {
		d.deaf = true
	}
	return d.Conn.Write(b)
}

func (d *deafened) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.deaf {
		d.deaf = false
		close(d.by.answered)
		<-d.by.hear
	}
	return n, err
}

// A commit is told by the feed before anybody sees it. A fill that sets out between the two lacks it, and what comes of it, be it an
// error, is no answer for who asks when it has been acknowledged.
func TestJoinsNoFillThatLacksACommit(t *testing.T) {
	const (
		rows  = "select id, balance from accounts where owner > $1 and balance < 5 /* rows */"
		fails = "select id, 1 / balance from accounts where owner > $1 and id = 1 /* fails */"
	)
	for _, level := range []string{"tracked", "strict"} {
		t.Run(level, func(t *testing.T) {
			t.Run("that is read from", func(t *testing.T) { joinsNoFillThatLacksACommit(t, level, rows, true) })
			t.Run("before its snapshot is there", func(t *testing.T) { joinsNoFillThatLacksACommit(t, level, rows, false) })
			t.Run("and fails", func(t *testing.T) { joinsNoFillThatLacksACommit(t, level, fails, false) })
		})
	}
}

func joinsNoFillThatLacksACommit(t *testing.T, level, query string, reading bool) {
	server := pgtest.OwnWith(t, testenv.Options{})
	d := &deafening{answered: make(chan struct{}), hear: make(chan struct{})}
	f := fixtureOn(t, server.DSN("")).with(d.dialled, "consistency="+level, "feed=wal", "timeout=10s")
	f.exec(f.plain, "update accounts set balance = 1")
	f.follows()
	f.kept(query, "")
	f.exec(f.plain, "update accounts set balance = 0 where id = 1")
	write := f.holdBack(f.connector.cache.feed.running.Load().tracker, "update accounts set balance = 2 where id = 1")

	first := make(chan struct{})
	if reading {
		rows, err := f.Query(query, "a word") // without a context that ends the caller reads at its own pace
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
		close(first)
	} else {
		d.armed.Store(true)
		go func() {
			defer close(first)
			_, _ = readAll(context.Background(), f.DB, query, "a word")
		}()
		<-d.answered
	}
	fills := f.connector.Stats().Fills
	write.release()
	second := f.ask(t.Context(), query, "a word")
	f.eventually("the other one waits", func() bool { return reading || f.waiting() == 1 })
	close(d.hear)
	want := f.read(f.plain, query, "a word")
	if r := <-second; r.err != nil || r.text != want {
		t.Errorf("%v, and %d bytes for %d", r.err, len(r.text), len(want))
	}
	<-first
	if fills := f.connector.Stats().Fills - fills; reading && fills != 1 {
		t.Errorf("%d fills: the second waited for the first, which was known to be of no use", fills)
	}
}
