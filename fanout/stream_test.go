package fanout_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gopgcache/pgcache/fanout"
)

// The second query can only end when the first answer has been seen.
func TestStreamYieldsInTheOrderFinished(t *testing.T) {
	seen := make(chan struct{})
	db, _ := fake(t, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
		if query == "last" {
			<-seen
		}
		return table([]string{"v"}, []driver.Value{query}), nil
	})
	var got []int
	last := fanout.Query[string]{Name: "the last", SQL: "last"}
	for r, err := range fanout.Stream(testContext(t), fanout.Group{DB: db}, last, fanout.Select[string]("first")) {
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"last", "first"}[r.Index]; r.Value != want || r.Index == 0 && r.Name != "the last" {
			t.Errorf("got %+v", r)
		}
		got = append(got, r.Index)
		if len(got) == 1 {
			close(seen)
		}
	}
	if !slices.Equal(got, []int{1, 0}) {
		t.Errorf("got %v", got)
	}
	allBack(t, db)
}

// With w workers, a loop that has taken n answers has had at most n+w queries asked:
// each worker waits with one answer in hand.
func TestStreamHoldsWorkersBack(t *testing.T) {
	const workers = 3
	db, server := fake(t, echo)
	var queries []fanout.Query[int]
	for i := range 100 {
		queries = append(queries, fanout.Select[int]("select $1", i))
	}
	taken := 0
	for _, err := range fanout.Stream(testContext(t), fanout.Group{DB: db, Workers: workers}, queries...) {
		if err != nil {
			t.Fatal(err)
		}
		taken++
		if asked := int(server.asked.Load()); asked > taken+workers {
			t.Fatalf("%d queries asked when %d answers were taken", asked, taken)
		}
	}
	if taken != len(queries) {
		t.Errorf("%d answers", taken)
	}
}

func TestLeavingAStreamCancelsTheRest(t *testing.T) {
	var cancelled sync.WaitGroup
	cancelled.Add(2)
	db, _ := fake(t, func(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
		if query == "quick" {
			return table([]string{"v"}, []driver.Value{query}), nil
		}
		<-ctx.Done()
		cancelled.Done()
		return nil, ctx.Err()
	})
	slow := fanout.Select[string]("slow")
	g := fanout.Group{DB: db, History: new(fanout.History)}
	leave := func(how func()) {
		defer func() { _ = recover() }()
		for range fanout.Stream(testContext(t), g, fanout.Select[string]("quick"), slow) {
			how()
			return
		}
	}
	leave(func() {})
	allBack(t, db)
	leave(func() { panic("out of the loop") })
	allBack(t, db)
	cancelled.Wait()
}

func TestStreamEndsWithTheFailure(t *testing.T) {
	failure := errors.New("no")
	db, _ := fake(t, blocked(1, failure))
	g := fanout.Group{DB: db, History: new(fanout.History)}
	n := 0
	for r, err := range fanout.Stream(testContext(t), g, fanout.Select[int]("wait"), fanout.Query[int]{Name: "f", SQL: "fail"}) {
		n++
		if r.Index != 1 || r.Name != "f" || !errors.Is(err, failure) {
			t.Errorf("got %+v, %v", r, err)
		}
	}
	if n != 1 {
		t.Errorf("the loop ran %d times", n)
	}
}

func TestStreamKeepsGoing(t *testing.T) {
	db, _ := fake(t, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
		if args[0].Value == int64(1) {
			return nil, errors.New("no")
		}
		return echo(ctx, query, args)
	})
	got := map[string]bool{}
	for r, err := range fanout.Stream(testContext(t), fanout.Group{DB: db, KeepGoing: true},
		fanout.Select[int]("q", 0), fanout.Select[int]("q", 1), fanout.Select[int]("q", 2)) {
		got[fmt.Sprint(r.Index, r.Value, err)] = true
	}
	for _, want := range []string{"0 0 <nil>", "1 0 fanout: query 1 (q): no", "2 2 <nil>"} {
		if !got[want] {
			t.Errorf("missing %q in %v", want, got)
		}
	}
}

func TestStreamEndsWithTheCallersContext(t *testing.T) {
	for _, keepGoing := range []bool{false, true} {
		ctx, cancel := context.WithCancel(testContext(t))
		db, _ := fake(t, func(ctx context.Context, _ string, _ []driver.NamedValue) (driver.Rows, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		})
		n := 0
		for r, err := range fanout.Stream(ctx, fanout.Group{DB: db, KeepGoing: keepGoing}, fanout.Select[int]("a"), fanout.Select[int]("b")) {
			n++
			if r.Index != -1 || !errors.Is(err, context.Canceled) {
				t.Errorf("got %+v, %v", r, err)
			}
		}
		if n != 1 {
			t.Errorf("the loop ran %d times", n)
		}
	}
}

func TestStreamAgainRunsAgain(t *testing.T) {
	db, server := fake(t, one(int64(1)))
	stream := fanout.Stream(testContext(t), fanout.Group{DB: db}, fanout.Select[int]("a"))
	for range 2 {
		for r, err := range stream {
			if r.Value != 1 || err != nil {
				t.Errorf("got %+v, %v", r, err)
			}
		}
	}
	if n := server.asked.Load(); n != 2 {
		t.Errorf("%d queries", n)
	}
}

func TestStreamOfNothingAndWithoutDB(t *testing.T) {
	for range fanout.Stream[int](testContext(t), fanout.Group{}) {
		t.Error("yielded")
	}
	n := 0
	for r, err := range fanout.Stream(testContext(t), fanout.Group{}, fanout.Select[int]("a")) {
		n++
		if err == nil || r.Index != -1 {
			t.Errorf("got %+v, %v", r, err)
		}
	}
	if n != 1 {
		t.Errorf("the loop ran %d times", n)
	}
}
