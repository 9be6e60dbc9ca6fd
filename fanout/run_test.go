package fanout_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/fanout"
)

func TestAnswersComeInTheOrderAsked(t *testing.T) {
	db, _ := fake(t, echo)
	queries := make([]fanout.Query[int], 500)
	want := make([]int, len(queries))
	for i := range queries {
		queries[i] = fanout.Select[int]("select $1", i)
		want[i] = i
	}
	got, err := fanout.Collect(testContext(t), fanout.Group{DB: db}, queries...)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	allBack(t, db)
}

func TestRunFillsDifferentTypes(t *testing.T) {
	db, _ := fake(t, func(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
		if query == "count" {
			return table([]string{"n"}, []driver.Value{int64(3)}), nil
		}
		return table([]string{"name"}, []driver.Value{"a"}, []driver.Value{"b"}), nil
	})
	var count int64
	var names []string
	err := fanout.Group{DB: db}.Run(testContext(t), fanout.Into(&count, "count"), fanout.Into(&names, "names"))
	if err != nil || count != 3 || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("count %d, names %v, error %v", count, names, err)
	}
}

func TestNothingToDoSucceeds(t *testing.T) {
	if err := (fanout.Group{}).Run(testContext(t)); err != nil {
		t.Error(err)
	}
	got, err := fanout.Collect[int](testContext(t), fanout.Group{})
	if err != nil || got == nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMisuseIsAnError(t *testing.T) {
	db, _ := fake(t, one(int64(1)))
	for name, run := range map[string]func() error{
		"no DB":           func() error { var n int; return fanout.Group{}.Run(t.Context(), fanout.Into(&n, "x")) },
		"empty task":      func() error { return fanout.Group{DB: db}.Run(t.Context(), fanout.Task{}) },
		"nil destination": func() error { return fanout.Group{DB: db}.Run(t.Context(), fanout.Into[int](nil, "x")) },
	} {
		if err := run(); err == nil || !strings.HasPrefix(err.Error(), "fanout: ") || strings.Contains(err.Error(), "panic") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The number of queries at a time is Workers, else eight, else what leaves one
// connection of the pool to others; never more than the pool's limit.
func TestWorkersAreBounded(t *testing.T) {
	for _, c := range []struct{ workers, limit, queries, want int }{
		{0, 0, 50, 8},
		{0, 1, 50, 1},
		{0, 2, 50, 1},
		{0, 6, 50, 5},
		{0, 100, 50, 8},
		{0, 0, 3, 3},
		{5, 0, 50, 5},
		{5, 3, 50, 3},
		{20, 0, 50, 20},
	} {
		t.Run(fmt.Sprintf("workers %d of pool %d", c.workers, c.limit), func(t *testing.T) {
			var gate sync.WaitGroup // opens when as many as expected are at work together
			gate.Add(c.want)
			var mu sync.Mutex
			arrived := 0
			db, server := fake(t, func(ctx context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
				mu.Lock()
				arrived++
				if arrived <= c.want {
					gate.Done()
				}
				mu.Unlock()
				gate.Wait()
				runtime.Gosched() // gives one too many its chance to be seen
				return echo(ctx, "", args)
			})
			db.SetMaxOpenConns(c.limit)
			queries := make([]fanout.Query[int], c.queries)
			for i := range queries {
				queries[i] = fanout.Select[int]("select $1", i)
			}
			if _, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Workers: c.workers}, queries...); err != nil {
				t.Fatal(err)
			}
			if peak := server.peak.Load(); peak != int64(c.want) {
				t.Errorf("%d queries at a time, want %d", peak, c.want)
			}
		})
	}
}

// blocked answers "fail" with failure once all others wait, and the others only
// with the end of their context.
func blocked(others int, failure error) func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	var waiting sync.WaitGroup
	waiting.Add(others)
	return func(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
		if query == "fail" {
			waiting.Wait()
			return nil, failure
		}
		waiting.Done()
		<-ctx.Done()
		return nil, ctx.Err()
	}
}

func TestFirstFailureCancelsTheRest(t *testing.T) {
	failure := errors.New("division by zero")
	db, _ := fake(t, blocked(2, failure))
	_, err := fanout.Collect(testContext(t), fanout.Group{DB: db},
		fanout.Select[int]("wait"), fanout.Query[int]{Name: "ratio", SQL: "fail"}, fanout.Select[int]("wait"))
	var q *fanout.QueryError
	if !errors.As(err, &q) || q.Index != 1 || q.Name != "ratio" || !errors.Is(err, failure) {
		t.Fatalf("got %v", err)
	}
	if got, want := err.Error(), "fanout: query 1 (ratio): division by zero"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	allBack(t, db)
}

func TestFailureStartsNothingMore(t *testing.T) {
	db, server := fake(t, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return nil, errors.New("no")
	})
	queries := slices.Repeat([]fanout.Query[int]{fanout.Select[int]("x")}, 100)
	if _, err := fanout.Collect(testContext(t), fanout.Group{DB: db, Workers: 1}, queries...); err == nil {
		t.Error("no error")
	}
	if n := server.asked.Load(); n != 1 {
		t.Errorf("%d queries were sent", n)
	}
}

func TestKeepGoingReportsEveryFailureAndKeepsEveryAnswer(t *testing.T) {
	db, _ := fake(t, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
		if args[0].Value.(int64)%2 == 1 {
			return nil, fmt.Errorf("odd %d", args[0].Value)
		}
		return echo(ctx, query, args)
	})
	var queries []fanout.Query[int]
	for i := range 6 {
		queries = append(queries, fanout.Select[int]("select $1", i))
	}
	got, err := fanout.Collect(testContext(t), fanout.Group{DB: db, KeepGoing: true}, queries...)
	if want := []int{0, 0, 2, 0, 4, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not a joined error: %v", err)
	}
	var failed []int
	for _, err := range joined.Unwrap() {
		failed = append(failed, err.(*fanout.QueryError).Index)
	}
	if want := []int{1, 3, 5}; !slices.Equal(failed, want) {
		t.Errorf("failed %v, want %v", failed, want)
	}
}

func TestCallerCancels(t *testing.T) {
	for _, keepGoing := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep going %v", keepGoing), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(testContext(t))
			closing := errors.New("the shop closes")
			db, _ := fake(t, func(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
				if query == "quick" {
					return table([]string{"n"}, []driver.Value{int64(7)}), nil
				}
				cancel(closing)
				<-ctx.Done()
				return nil, ctx.Err()
			})
			g := fanout.Group{DB: db, Workers: 1, KeepGoing: keepGoing, History: new(fanout.History)}
			got, err := fanout.Collect(ctx, g, fanout.Select[int]("quick"), fanout.Select[int]("slow"), fanout.Select[int]("slow"))
			if !errors.Is(err, context.Canceled) || !errors.Is(err, closing) {
				t.Errorf("got %v", err)
			}
			if _, blamed := errors.AsType[*fanout.QueryError](err); blamed {
				t.Errorf("a query is blamed for the caller's cancellation: %v", err)
			}
			if !strings.Contains(err.Error(), "1 of 3 queries done") {
				t.Errorf("got %v", err)
			}
			if keepGoing && got[0] != 7 {
				t.Errorf("the answer that was there is lost: %v", got)
			}
			allBack(t, db)
		})
	}
}

func TestFinishedRunIgnoresLateCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	db, _ := fake(t, one(int64(1)))
	g := fanout.Group{DB: db, Progress: func(e fanout.Event) {
		if e.Done == e.Total {
			cancel()
		}
	}}
	if _, err := fanout.Collect(ctx, g, fanout.Select[int]("x")); err != nil {
		t.Error(err)
	}
}

func TestDeadlineNamesItsQuery(t *testing.T) {
	db, _ := fake(t, func(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
		if query == "quick" {
			return table([]string{"n"}, []driver.Value{int64(7)}), nil
		}
		<-ctx.Done()
		return nil, errors.Join(errors.New("conn closed"), ctx.Err())
	})
	slow := fanout.Query[int]{Name: "slow one", SQL: "slow", Timeout: time.Millisecond}
	for _, g := range []fanout.Group{
		{DB: db, KeepGoing: true},
		{DB: db, KeepGoing: true, Timeout: time.Hour},
	} {
		got, err := fanout.Collect(testContext(t), g, fanout.Select[int]("quick"), slow)
		var q *fanout.QueryError
		if !errors.As(err, &q) || q.Index != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if got, want := err.Error(), "fanout: query 1 (slow one): no answer within 1ms: context deadline exceeded"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got[0] != 7 {
			t.Errorf("the other answer is lost: %v", got)
		}
	}
}

func TestPanicBecomesAnError(t *testing.T) {
	db, _ := fake(t, one(int64(1)))
	boom := errors.New("boom")
	q := fanout.Select[int]("x")
	q.Read = func(context.Context, *sql.Rows) (int, error) { panic(boom) }
	_, err := fanout.Collect(testContext(t), fanout.Group{DB: db}, fanout.Select[int]("y"), q)
	var p *fanout.PanicError
	var qe *fanout.QueryError
	if !errors.As(err, &p) || !errors.As(err, &qe) || qe.Index != 1 || !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(string(p.Stack), "TestPanicBecomesAnError") {
		t.Errorf("the stack does not lead to the panic:\n%s", p.Stack)
	}
	allBack(t, db)
}

func TestPanicInProgressEndsTheRun(t *testing.T) {
	for _, step := range []fanout.Step{fanout.Started, fanout.Finished, fanout.Over} {
		db, _ := fake(t, one(int64(1)))
		g := fanout.Group{DB: db, Progress: func(e fanout.Event) {
			if e.Step == step {
				panic("boom")
			}
		}}
		_, err := fanout.Collect(testContext(t), g, fanout.Select[int]("x"))
		var p *fanout.PanicError
		if !errors.As(err, &p) || p.Value != "boom" {
			t.Errorf("step %d: got %v", step, err)
		}
		allBack(t, db)
	}
}

func TestGoexitBecomesAnError(t *testing.T) {
	db, _ := fake(t, one(int64(1)))
	q := fanout.Select[int]("x")
	q.Read = func(context.Context, *sql.Rows) (int, error) { runtime.Goexit(); return 0, nil }
	for _, keepGoing := range []bool{false, true} {
		_, err := fanout.Collect(testContext(t), fanout.Group{DB: db, KeepGoing: keepGoing}, q, q, q)
		if err == nil || !strings.Contains(err.Error(), "Goexit") {
			t.Errorf("got %v", err)
		}
		allBack(t, db)
	}
}

// A row may be followed by an error: then there is no answer, whatever Read says.
func TestErrorAfterRowsIsNotAnAnswer(t *testing.T) {
	failure := errors.New("division by zero")
	db, _ := fake(t, func(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
		return &fakeRows{columns: []string{"n"}, rows: [][]driver.Value{{int64(1)}}, last: failure}, nil
	})
	careless := fanout.Select[[]int]("x")
	careless.Read = func(_ context.Context, rows *sql.Rows) (got []int, _ error) {
		for rows.Next() {
			got = append(got, 0)
		}
		return got, nil
	}
	untouched := []int{42}
	err := fanout.Group{DB: db}.Run(testContext(t), careless.Into(&untouched))
	if !errors.Is(err, failure) || untouched[0] != 42 {
		t.Errorf("got %v, %v", untouched, err)
	}
	for name, err := range map[string]error{
		"all rows":    collectError[[]int](t, db),
		"one row":     collectError[int](t, db),
		"at most one": collectError[*int](t, db),
	} {
		if !errors.Is(err, failure) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func collectError[T any](t *testing.T, db *sql.DB) error {
	_, err := fanout.Collect(testContext(t), fanout.Group{DB: db}, fanout.Select[T]("x"))
	return err
}

// A query that is cancelled because another failed did not miss its own deadline.
func TestCancelledIsNotLate(t *testing.T) {
	db, _ := fake(t, blocked(1, errors.New("no")))
	g := fanout.Group{DB: db, Timeout: time.Hour, Progress: func(e fanout.Event) {
		if e.Name == "wait" && e.Step == fanout.Finished && (errors.Is(e.Err, context.DeadlineExceeded) || !errors.Is(e.Err, context.Canceled)) {
			t.Errorf("got %v", e.Err)
		}
	}}
	if _, err := fanout.Collect(testContext(t), g, fanout.Select[int]("wait"), fanout.Select[int]("fail")); err == nil {
		t.Error("no error")
	}
}
