package driver

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// wasQuick has the statement count as quick, as one fill would that was.
func (f *fixture) wasQuick(query string) {
	f.connector.cache.texts.of(query).fillTime.Store(int64(quick))
}

func (f *fixture) isQuick(query string) bool {
	took := f.connector.cache.texts.of(query).fillTime.Load()
	return 0 < took && took <= int64(quick)
}

// A caller who reads a quick statement in its own goroutine may leave at any moment; who waits gets an answer all the same. The next
// fill has a goroutine again, and goes on when its caller leaves: so a query that takes longer than anybody waits comes to its
// end.
func TestCallerOfQuickStatementLeaves(t *testing.T) {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		t.Run(end.Error(), func(t *testing.T) {
			f := newFixture(t)
			f.want("select 1 from accounts where false")
			f.wasQuick(sumOfAll)
			for _, queries := range []int64{2, 1} {
				f.queries.Store(0)
				first, second, unlock := f.firstLeaves(end)
				if r := <-first; !errors.Is(r.err, end) {
					t.Errorf("first: %q, %v", r.text, r.err)
				}
				if f.isQuick(sumOfAll) {
					t.Error("the statement counts as quick still")
				}
				unlock()
				if r := <-second; r.err != nil || r.text != "1000 500500" {
					t.Errorf("second: %q, %v", r.text, r.err)
				}
				f.isHit(sumOfAll)
				if n := f.queries.Load(); n != queries {
					t.Errorf("PostgreSQL saw %d queries, want %d", n, queries)
				}
				f.eventually("all connections are back", func() bool { return f.Stats().InUse == 0 })
				f.exec(f.DB, "update accounts set balance = 1 where id = 1")
				f.connector.cache.texts.of(sumOfAll).fillTime.Store(int64(quick + 1)) // the second was quick again
			}
		})
	}
}

// A context that ends between two rows of a quick statement ends the rows with its error; with somebody who waits the fill goes on
// without the reader.
func TestContextEndsBetweenRows(t *testing.T) {
	const query = "select a.id, b.owner from accounts a, accounts b order by 1, 2 limit 20000"
	for _, waiters := range []int{0, 3} {
		t.Run(fmt.Sprint(waiters, " wait"), func(t *testing.T) {
			f := newFixture(t)
			f.wasQuick(query)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			rows, err := f.QueryContext(ctx, query)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
			var others []<-chan result
			for range waiters {
				others = append(others, f.ask(t.Context(), query))
			}
			f.eventually("the others wait", func() bool { return f.waiting() == waiters || f.connector.Stats().Coalesced > 0 })
			leave()
			for rows.Next() {
			}
			if err := rows.Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("the rows ended with %v", err)
			}
			for _, other := range others {
				if r := <-other; r.err != nil || len(r.text) == 0 {
					t.Error(len(r.text), r.err)
				}
			}
			f.want(query)
			f.eventually("all connections are back", func() bool { return f.Stats().InUse == 0 })
		})
	}
}

// Contexts that end at any moment of a quick statement give their error or the answer, and leave nothing behind.
func TestContextEndsAtAnyMoment(t *testing.T) {
	f := newFixture(t)
	var ended, answered int
	for i := range 400 {
		query := fmt.Sprintf("select count(*), sum(id) from accounts where id > %d", i%7)
		f.exec(f.DB, "update accounts set balance = 1 where id = 1")
		f.wasQuick(query)
		ctx, leave := context.WithTimeout(t.Context(), time.Duration(i)*2*time.Microsecond)
		var answers []<-chan result
		for range 3 {
			answers = append(answers, f.ask(ctx, query))
		}
		patient := f.ask(t.Context(), query)
		for _, a := range answers {
			switch r := <-a; {
			case r.err == nil:
				answered++
			case errors.Is(r.err, context.DeadlineExceeded), pgconn.Timeout(r.err):
				ended++
			default:
				t.Fatal(r.err)
			}
		}
		if r := <-patient; r.err != nil {
			t.Fatal(r.err)
		}
		leave()
	}
	if ended == 0 || answered == 0 {
		t.Errorf("%d ended, %d were answered", ended, answered)
	}
	f.eventually("all connections are back", func() bool { return f.Stats().InUse == 0 })
}

// Who wants pgx's connection while rows are open on it gets it once they have been read, and none while there are too many to be
// kept. Nobody hangs.
func TestRawWhileRowsAreOpen(t *testing.T) {
	f := newFixture(t, "rule=all: * ttl=1h", "max_entry=1MiB") // more than a recording runs ahead
	for _, way := range []string{"endless", "quick", "slow"} {
		for limit, free := range map[int]bool{100: true, 100_000: false} {
			t.Run(fmt.Sprint(way, " ", limit), func(t *testing.T) {
				query := fmt.Sprintf("select a.id, b.owner, '%s' from accounts a, accounts b order by 1, 2 limit %d", way, limit)
				ctx := context.Background()
				if way != "endless" {
					ctx = t.Context()
				}
				if way == "quick" {
					f.wasQuick(query)
				}
				conn, err := f.Conn(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				rows, err := conn.QueryContext(ctx, query)
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				got := false
				_ = conn.Raw(func(driverConn any) error {
					_, got = PgxConn(driverConn)
					return nil
				})
				if got != free {
					t.Errorf("the connection is free: %t, want %t", got, free)
				}
				n := 0
				for rows.Next() {
					n++
				}
				if err := rows.Err(); err != nil || n != limit {
					t.Errorf("%d rows, %v", n, err)
				}
			})
		}
	}
}
