package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gopgcache/pgcache/fanout"
)

// A fan-out inside another takes what the outer leaves of the pool, and is an error
// rather than a wait for ever when that is nothing.
func TestNestedFanOut(t *testing.T) {
	for _, c := range []struct {
		limit, workers int
		want           error
	}{
		{0, 4, nil},
		{4, 3, nil},
		{4, 0, nil},
		{4, 4, fanout.ErrNested},
		{1, 0, fanout.ErrNested},
	} {
		db, _ := fake(t, one(int64(1)))
		db.SetMaxOpenConns(c.limit)
		outer := fanout.Select[int]("outer")
		outer.Read = func(ctx context.Context, rows *sql.Rows) (int, error) {
			inner, err := fanout.Collect(ctx, fanout.Group{DB: db}, fanout.Select[int]("a"), fanout.Select[int]("b"))
			return len(inner), err
		}
		queries := slices.Repeat([]fanout.Query[int]{outer}, 8)
		_, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Workers: c.workers}, queries...)
		if !errors.Is(err, c.want) {
			t.Errorf("pool of %d, %d workers: %v, want %v", c.limit, c.workers, err, c.want)
		}
		allBack(t, db)
	}
}

func TestNestedFanOutTakesWhatTheOuterLeaves(t *testing.T) {
	var gate sync.WaitGroup // opens when three inner queries are asked together
	gate.Add(3)
	var asked atomic.Int64
	db, _ := fake(t, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
		if query == "inner" {
			if asked.Add(1) <= 3 {
				gate.Done()
			}
			gate.Wait()
			for range 1000 { // one too many gets its chance to be seen
				runtime.Gosched()
			}
		}
		return table([]string{"n"}, []driver.Value{int64(1)}), nil
	})
	db.SetMaxOpenConns(4)
	most := 0
	inner := fanout.Group{DB: db, Workers: 8, Progress: func(e fanout.Event) { most = max(most, e.Running) }}
	outer := fanout.Select[int]("outer")
	outer.Read = func(ctx context.Context, rows *sql.Rows) (int, error) {
		answers, err := fanout.Collect(ctx, inner, slices.Repeat([]fanout.Query[int]{fanout.Select[int]("inner")}, 50)...)
		return len(answers), err
	}
	// One worker takes one connection, so the inner one may have three.
	if _, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Workers: 1}, outer); err != nil {
		t.Fatal(err)
	}
	if most != 3 {
		t.Errorf("%d queries at a time inside", most)
	}
}
