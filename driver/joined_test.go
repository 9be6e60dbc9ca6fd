package driver

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// holdBack has a server whose commits wait for a standby that never comes: they are written, and the feed tells of them, but nobody
// sees them until the function it gives is called.
func (f *fixture) holdBack() (release func()) {
	f.t.Helper()
	set := func(what string) {
		f.exec(f.plain, what)
		f.exec(f.plain, "select pg_reload_conf()")
	}
	set("alter system set synchronous_standby_names = 'nobody'")
	f.eventually("commits wait", func() bool { return f.read(f.plain, "show synchronous_standby_names") == "nobody" })
	return func() { set("alter system reset synchronous_standby_names") }
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

// A commit is told by the feed before anybody sees it. A fill that sets out between the two lacks it, and is no answer for who asks
// when it has been acknowledged.
func TestJoinsNoFillThatLacksACommit(t *testing.T) {
	for _, level := range []string{"tracked", "strict"} {
		for _, when := range []string{"while rows are read", "before the snapshot is there"} {
			t.Run(level+" "+when, func(t *testing.T) { joinsNoFillThatLacksACommit(t, level, when == "while rows are read") })
		}
	}
}

func joinsNoFillThatLacksACommit(t *testing.T, level string, reading bool) {
	const all = "select id, balance from accounts where owner > $1 and balance < 5 /* joined */"
	server := pgtest.OwnWith(t, testenv.Options{})
	d := &deafening{answered: make(chan struct{}), hear: make(chan struct{})}
	f := fixtureOn(t, server.DSN("")).with(d.dialled, "consistency="+level, "feed=wal")
	f.follows()
	f.kept(all, "")
	tracker := f.connector.cache.following.Load().tracker
	release := f.holdBack()
	before := tracker.Told()
	written := make(chan error, 1)
	go func() {
		_, err := f.plain.ExecContext(t.Context(), "update accounts set balance = 5 where id = 1")
		written <- err
	}()
	f.eventually("the feed tells of the commit", func() bool { return tracker.Told() > before && tracker.Position() >= tracker.Told() })

	first := make(chan struct{})
	if reading {
		rows, err := f.Query(all, "a word") // without a context that ends the caller reads at its own pace
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
			_, _ = readAll(context.Background(), f.DB, all, "a word")
		}()
		<-d.answered
	}
	fills := f.connector.Stats().Fills
	release()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	second := f.ask(t.Context(), all, "a word")
	f.eventually("the other one waits", func() bool { return reading || f.waiting() == 1 })
	close(d.hear)
	want := f.read(f.plain, all, "a word")
	if r := <-second; r.err != nil || r.text != want {
		t.Errorf("%v, and %d bytes for %d", r.err, len(r.text), len(want))
	}
	<-first
	if fills := f.connector.Stats().Fills - fills; reading && fills != 1 {
		t.Errorf("%d fills: the second waited for the first, which was known to be of no use", fills)
	}
}
