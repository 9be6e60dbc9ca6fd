package driver

import (
	"bytes"
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// What happens to one caller alone, of itself or by its session, is nothing to those who wait for the same answer.

// with opens the fixture's database through a cache whose pgx is changed.
func (f *fixture) with(change func(*pgx.ConnConfig), params ...string) *fixture {
	f.t.Helper()
	config, err := pgx.ParseConfig(f.dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	change(config)
	settings := "pgcache_rule='all: * ttl=1h'"
	for _, p := range params {
		settings += " pgcache_" + p
	}
	connector, err := NewConnectorConfig(config, settings)
	if err != nil {
		f.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	f.t.Cleanup(func() { _ = db.Close() })
	return &fixture{t: f.t, dsn: f.dsn, plain: f.plain, DB: db, connector: connector}
}

// hook is a tracer that calls start when a query with the text in it begins, once.
type hook struct {
	text  string
	start atomic.Pointer[func()]
}

func (h *hook) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	if strings.Contains(d.SQL, h.text) {
		if start := h.start.Swap(nil); start != nil {
			(*start)()
		}
	}
	return ctx
}

func (h *hook) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A caller who leaves has its arguments to itself again: what it writes into them is not sent, and not kept for what they were.
func TestArgumentsAfterLeaving(t *testing.T) {
	const query = "select id from accounts where owner = $1::text"
	for _, attended := range []bool{false, true} {
		t.Run(fmt.Sprint("attended ", attended), func(t *testing.T) {
			h := &hook{text: query}
			f := newFixture(t).with(func(c *pgx.ConnConfig) { c.Tracer = h })
			f.want("select 1 from accounts where false")
			if attended {
				f.wasQuick(query)
			}
			reached, goOn := make(chan struct{}), make(chan struct{})
			start := func() {
				close(reached)
				<-goOn
			}
			h.start.Store(&start)
			argument := []byte("owner 1")
			ctx, leave := context.WithCancel(t.Context())
			first := f.ask(ctx, query, argument)
			<-reached
			second := f.ask(t.Context(), query, []byte("owner 1"))
			f.eventually("the second waits", func() bool { return f.waiting() == 1 })
			leave()
			left := make(chan struct{})
			go func() {
				defer close(left)
				if r := <-first; !errors.Is(r.err, context.Canceled) {
					t.Errorf("first: %q, %v", r.text, r.err)
				}
				copy(argument, "owner 2")
			}()
			close(goOn)
			<-left
			if r := <-second; r.text != "1" || r.err != nil {
				t.Errorf("who waits asked for owner 1 and got %q, %v", r.text, r.err)
			}
			if got := f.read(f.DB, query, []byte("owner 1")); got != "1" {
				t.Errorf("later owner 1 has the id %q", got)
			}
		})
	}
}

// A request to the server to cancel a query, as pgx can be told to send when a context ends, is no answer to others.
func TestCancelRequestIsNoAnswer(t *testing.T) {
	for _, attended := range []bool{false, true} {
		t.Run(fmt.Sprint("attended ", attended), func(t *testing.T) {
			f := newFixture(t).with(func(c *pgx.ConnConfig) {
				c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
					return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Minute}
				}
			})
			f.want("select 1 from accounts where false")
			if attended {
				f.wasQuick(sumOfAll)
			}
			first, second, unlock := f.firstLeaves(context.Canceled)
			if r := <-first; r.err == nil {
				t.Error("first: no error")
			}
			unlock()
			if r := <-second; r.text != "1000 500500" || r.err != nil {
				t.Errorf("second: %q, %v", r.text, r.err)
			}
		})
	}
}

// Nor is the time-out of one session.
func TestTimeoutOfAnotherSession(t *testing.T) {
	f := newFixture(t)
	conn, err := f.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.exec(conn, "set statement_timeout = '300ms'")
	f.read(conn, "select 1 from accounts where false")
	unlock := f.lock("accounts")
	first := make(chan error, 1)
	go func() {
		_, err := readAll(context.Background(), conn, sumOfAll)
		first <- err
	}()
	f.waitForLockWaiters(1)
	second := f.ask(t.Context(), sumOfAll)
	f.eventually("the second waits", func() bool { return f.waiting() == 1 })
	if pgErr, ok := errors.AsType[*pgconn.PgError](<-first); !ok || pgErr.Code != "57014" {
		t.Error(pgErr)
	}
	unlock()
	if r := <-second; r.text != "1000 500500" || r.err != nil {
		t.Errorf("second: %q, %v", r.text, r.err)
	}
}

// A goroutine that ends in the middle of a fill, as t.FailNow ends one, leaves an error to those who wait, and no answer.
func TestGoroutineEndsInFill(t *testing.T) {
	h := &hook{text: "select owner from accounts"}
	f := newFixture(t).with(func(c *pgx.ConnConfig) { c.Tracer = h })
	f.caches(byID, 2)
	start := runtime.Goexit
	h.start.Store(&start)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = readAll(context.Background(), f.DB, "select owner from accounts where id = 1")
	}()
	<-ended
	f.want("select owner from accounts where id = 1")
}

// The driver's own connection may be closed while rows are open on it that are too many to be kept: then nothing is left.
func TestCloseConnectionUnderRows(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "max_entry=64KiB")
	conn, err := f.connector.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.(sqldriver.QueryerContext).QueryContext(
		context.Background(), "select a.id, repeat('x', 100) from accounts a, accounts b limit 20000", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Next(make([]sqldriver.Value, 2)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	f.eventually("the session is gone", func() bool {
		const others = "select count(*) from pg_stat_activity where query like '%repeat(%' and pid <> pg_backend_pid()"
		return f.read(f.plain, others) == "0"
	})
}

// wire is a connection to the server that calls on for what is written to it.
type wire struct {
	net.Conn
	on *atomic.Pointer[func([]byte)]
}

func (w wire) Write(b []byte) (int, error) {
	if on := w.on.Load(); on != nil {
		(*on)(b)
	}
	return w.Conn.Write(b)
}

// onWire opens the database by connections that call what on points to.
func (f *fixture) onWire(on *atomic.Pointer[func([]byte)], params ...string) *fixture {
	return f.with(func(c *pgx.ConnConfig) {
		dial := c.DialFunc
		c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			return wire{conn, on}, err
		}
	}, params...)
}

// A context that ends while something is prepared for a fill ends the query with its own error, whatever is being prepared: the
// query, or the question ahead of it after the server has lost it.
func TestContextEndsWhilePreparing(t *testing.T) {
	for _, what := range []string{"balance, 7", "pg_current_snapshot"} {
		for _, attended := range []bool{false, true} {
			t.Run(fmt.Sprint(what, attended), func(t *testing.T) {
				var on atomic.Pointer[func([]byte)]
				f := newFixture(t).onWire(&on, "feed=touch")
				f.follows()
				conn, err := f.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				const query = "select balance, 7 from accounts where id = 7"
				f.read(conn, "select balance from accounts where id = 1")
				if what == "pg_current_snapshot" {
					f.read(conn, query)
					f.exec(conn, "deallocate all")
					f.exec(f.DB, "update accounts set balance = balance + 1")
					_, _ = readAll(t.Context(), conn, "select balance from accounts where id = 1") // finds out
				} else {
					f.read(f.DB, query) // the verdict is known
				}
				f.exec(f.DB, "update accounts set balance = balance + 1")
				f.connector.cache.texts.of(query).fillTime.Store(0)
				if attended {
					f.wasQuick(query)
				}
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				spy := func(b []byte) {
					if bytes.Contains(b, []byte(what)) {
						leave()
					}
				}
				on.Store(&spy)
				if _, err := readAll(ctx, conn, query); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
	}
}

// What a program deallocates, of its own or all, does not get in the way of statements that it runs for the first time.
func TestNewStatementsAfterDeallocating(t *testing.T) {
	f := newTracked(t, "touch")
	for i, command := range []string{"discard all", "deallocate all", "select 1; deallocate all"} {
		conn, err := f.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.read(conn, fmt.Sprintf("select balance, %d from accounts where id = 1", i))
		if _, err := conn.ExecContext(t.Context(), command, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		f.exec(f.DB, "update accounts set balance = balance + 1 where id < 10")
		for id := 2; id < 6; id++ {
			if _, err := readAll(t.Context(), conn, fmt.Sprintf("select balance, %d from accounts where id = %d", i, id)); err != nil {
				t.Errorf("after %q: %v", command, err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
