package driver

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

// raw runs something on pgx's connection inside one of database/sql's.
func (f *fixture) raw(do func(conn *pgx.Conn)) (giveBack func()) {
	f.t.Helper()
	conn, err := f.Conn(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	err = conn.Raw(func(own any) error {
		pg, ok := PgxConn(own)
		if !ok {
			f.t.Fatal("no connection")
		}
		do(pg)
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return func() {
		if err := conn.Close(); err != nil {
			f.t.Error(err)
		}
	}
}

// What is written on pgx's own connection is seen at once, whether that has come back or not.
func TestWriteByRawIsSeenAtOnce(t *testing.T) {
	for _, level := range []string{"ttl", "tracked", "strict"} {
		t.Run(level, func(t *testing.T) {
			f := newFixture(t)
			f.DB, f.connector = f.open("rule=all: * ttl=1h", "consistency="+level, "feed=wal")
			f.kept(balanceOf, 1)
			giveBack := f.raw(func(conn *pgx.Conn) {
				// So that the feed hears of it late.
				if _, err := conn.Exec(t.Context(), "set synchronous_commit = off"); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Exec(t.Context(), "update accounts set balance = 77 where id = 1"); err != nil {
					t.Fatal(err)
				}
			})
			if got := f.read(f.DB, balanceOf, 1); got != "77" {
				t.Errorf("read %s", got)
			}
			giveBack()
			if got := f.read(f.DB, balanceOf, 1); got != "77" {
				t.Errorf("read %s afterwards", got)
			}
			f.kept(balanceOf, 1)
		})
	}
}

// Nor is the answer that of a fill that set out before the write.
func TestWriteByRawAmidAFill(t *testing.T) {
	const all = "select id, balance from accounts where owner > $1 and balance < 5"
	d := &deafening{answered: make(chan struct{}), hear: make(chan struct{})}
	f := newFixture(t).with(d.dialled)
	f.read(f.DB, all, "")
	first := make(chan struct{})
	giveBack := f.raw(func(conn *pgx.Conn) {
		d.armed.Store(true)
		go func() {
			defer close(first)
			_, _ = readAll(context.Background(), f.DB, all, "a word")
		}()
		<-d.answered
		if _, err := conn.Exec(t.Context(), "update accounts set balance = 5 where id = 1"); err != nil {
			t.Fatal(err)
		}
	})
	second := f.ask(t.Context(), all, "a word")
	f.eventually("it waits for the first or is answered", func() bool { return f.waiting() == 1 || len(second) == 1 })
	close(d.hear)
	if r, want := <-second, f.read(f.plain, all, "a word"); r.err != nil || r.text != want {
		t.Errorf("%v, and %d bytes for %d", r.err, len(r.text), len(want))
	}
	<-first
	giveBack()
	f.caches(all, "a word")
}
