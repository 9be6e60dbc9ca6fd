package conformance_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// gated is a shop with a function that waits, while it is executed, until the gate is open. Its label says that it may be
// cached.
const gated = shop + `
	create function pass(n int) returns int language plpgsql immutable as $$
	begin perform pg_advisory_xact_lock_shared(42); return n; end $$`

// passing is a query that waits at the gate.
const passing = "select pass(id) from items order by id"

// closeGate makes queries wait until the gate is opened.
func (p *pair) closeGate(t *testing.T) (open func()) {
	t.Helper()
	conn, err := p.plain.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "select pg_advisory_lock(42)"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "select pg_advisory_unlock(42)"); err != nil {
			t.Error(err)
		}
		conn.Close()
	}
}

// patience bounds what a test waits for.
const patience = 30 * time.Second

// under runs a part of a script with another context.
func (s *subject) under(ctx context.Context, part func()) {
	alive := s.ctx
	defer func() { s.ctx = alive }()
	s.ctx = ctx
	part()
}

// TestCancelledBefore asks with a context that has ended, for what is in the cache and for what is not.
func TestCancelledBefore(t *testing.T) {
	ended := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		},
		"too late": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for name, end := range ended {
			t.Run(name, func(t *testing.T) {
				p.both(t, once, func(s *subject) {
					s.query(s.db, "select * from items order by id")
					ctx, cancel := end(s.ctx)
					defer cancel()
					s.under(ctx, func() {
						s.query(s.db, "select * from items order by id")
						s.query(s.db, "select name from items order by id")
						s.one(s.db, new(string), "select name from items order by id")
						s.exec(s.db, "update items set name = name")
						_, err := s.db.BeginTx(s.ctx, nil)
						s.notef("%s", describeError(err))
						_, err = s.db.PrepareContext(s.ctx, "select * from items order by id")
						s.notef("%s", describeError(err))
					})
				})
			})
		}
	})
}

// TestHitHonoursTheContext asks for a hit on a pinned connection, where database/sql doesn't look at the context itself. pgx
// gives the context's error or driver.ErrBadConn there, after which the connection is lost; pgcache always the first.
func TestHitHonoursTheContext(t *testing.T) {
	p := open(t, database(t, shop))
	conn, err := p.cached.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	for _, want := range []error{nil, nil, context.Canceled} {
		if want != nil {
			cancel()
		}
		err := conn.QueryRowContext(ctx, "select name from items order by id").Scan(new(string))
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	cancel()
}

// TestCancelledDuring cancels a query while the server executes it. The caller is told at once, the server stops, and the
// database is as good as before.
func TestCancelledDuring(t *testing.T) {
	for name, query := range map[string]string{"cacheable": passing, "not cacheable": passing + " for update"} {
		t.Run(name, func(t *testing.T) {
			inEveryMode(t, gated, func(t *testing.T, p *pair) {
				seen := p.both(t, hits(0, 0), func(s *subject) {
					open := p.closeGate(t)
					ctx, cancel := context.WithCancel(s.ctx)
					cancelled := p.whenWaiting(t, query, 1, cancel)
					s.under(ctx, func() { s.query(s.db, query) })
					<-cancelled
					p.waitForWaiting(t, query, 0)
					open()
					s.query(s.db, query)
					s.do(s.db, "update items set name = name") // for the next run to begin like this one
				})
				if !strings.Contains(seen, `is "context canceled"`) {
					t.Errorf("pgx was not cancelled: %s", seen)
				}
			})
		})
	}
}

// TestDeadlineDuring lets the time run out in a query, an Exec, and a statement. Whether the server stops is left open: the
// request to cancel is lost if it comes before the server has begun.
func TestDeadlineDuring(t *testing.T) {
	inEveryMode(t, gated, func(t *testing.T, p *pair) {
		p.both(t, hits(0, 0), func(s *subject) {
			open := p.closeGate(t)
			defer open()
			stmt, err := s.db.PrepareContext(s.ctx, passing)
			s.must(err)
			defer stmt.Close()
			for _, run := range []func(context.Context) error{
				func(ctx context.Context) error { return s.db.QueryRowContext(ctx, passing).Scan(new(int)) },
				func(ctx context.Context) error { _, err := s.db.ExecContext(ctx, passing); return err },
				func(ctx context.Context) error { return stmt.QueryRowContext(ctx).Scan(new(int)) },
			} {
				ctx, cancel := context.WithTimeout(s.ctx, 30*time.Millisecond)
				err := run(ctx)
				cancel()
				// The text depends on what was going on when the time was up.
				if !errors.Is(err, context.DeadlineExceeded) || isPgError(err) {
					t.Errorf("not in time: %s", describeError(err))
				}
			}
		})
	})
}

func isPgError(err error) bool {
	var refusal *pgconn.PgError
	return errors.As(err, &refusal)
}

// TestCancelledWhileReading cancels when some of the rows were read. What is left in pgx's buffers may still come, so only
// the end is compared.
func TestCancelledWhileReading(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			ctx, cancel := context.WithCancel(s.ctx)
			defer cancel()
			rows, err := s.db.QueryContext(ctx, "select g, repeat('x', 1000) from generate_series(1, 100000) g")
			s.must(err)
			defer rows.Close()
			s.notef("%t", rows.Next())
			s.row(rows)
			cancel()
			waitUntilClosed(t, rows)
			s.notef("next %t, cancelled %t", rows.Next(), errors.Is(rows.Err(), context.Canceled))
			s.row(rows)
			s.query(s.db, "select 1 for update")
		})
	})
}

// waitUntilClosed waits until database/sql has closed the rows of a context that has ended.
func waitUntilClosed(t *testing.T, rows *sql.Rows) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if _, err := rows.Columns(); err != nil {
			return
		}
	}
	t.Fatal("the rows were not closed")
}

// TestCancelledAfter ends the context of a query that has been read. That has no effect on anything.
func TestCancelledAfter(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, hits(2, 3), func(s *subject) {
			for range 3 {
				ctx, cancel := context.WithCancel(s.ctx)
				s.under(ctx, func() { s.query(s.db, "select * from items order by id") })
				cancel()
			}
			s.query(s.db, "select * from items order by id for update")
		})
	})
}

// TestCancelledTransaction ends the context of a transaction: it is rolled back.
func TestCancelledTransaction(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			ctx, cancel := context.WithCancel(s.ctx)
			defer cancel()
			tx, err := s.db.BeginTx(ctx, nil)
			s.must(err)
			s.exec(tx, "delete from items")
			s.query(tx, "select * from items")
			cancel()
			for err == nil { // until database/sql has noticed
				_, err = tx.ExecContext(s.ctx, "select")
			}
			s.notef("done %t", errors.Is(err, sql.ErrTxDone))
			s.notef("%s", describeError(tx.Commit()))
			s.query(s.db, "select * from items order by id")
		})
	})
}

// whenWaiting calls a function when so many queries of a text wait at the gate, and then closes the channel.
func (p *pair) whenWaiting(t *testing.T, query string, count int, then func()) chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer then()
		p.waitForWaiting(t, query, count)
	}()
	return done
}

// waitForWaiting waits until just so many queries of a text wait at the gate.
func (p *pair) waitForWaiting(t *testing.T, query string, count int) {
	waiting := -1
	for deadline := time.Now().Add(patience); waiting != count; {
		err := p.plain.QueryRowContext(context.Background(), `
			select count(*) from pg_stat_activity
			where wait_event_type = 'Lock' and wait_event = 'advisory' and datname = current_database() and query = $1`,
			query).Scan(&waiting)
		if err != nil || time.Now().After(deadline) {
			t.Errorf("%d queries wait, not %d (%v): %s", waiting, count, err, query)
			return
		}
	}
}
