package fanout_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/fanout"
)

func TestEstimateRisesAtOnceAndFallsSlowly(t *testing.T) {
	var h fanout.History
	if _, known := h.Expect("", "q"); known {
		t.Error("known before it was seen")
	}
	for _, c := range []struct{ took, want time.Duration }{
		{100, 100}, {400, 400}, {0, 300}, {300, 300}, {100, 250},
	} {
		h.Note("", "q", c.took)
		if got, known := h.Expect("", "q"); got != c.want || !known {
			t.Errorf("after %d: %d, want %d", c.took, got, c.want)
		}
	}
}

func TestNameTellsQueriesOfOneTextApart(t *testing.T) {
	var h fanout.History
	h.Note("big", "q", 5)
	for _, name := range []string{"", "small"} {
		if _, known := h.Expect(name, "q"); known {
			t.Errorf("%q is known", name)
		}
	}
}

func TestHistoryForgetsOnlyWhatWasNotSeenFor2048Others(t *testing.T) {
	var h fanout.History
	known := 0
	for i := range 10_000 {
		h.Note("", fmt.Sprint(i), 1)
		h.Note("", "often", 1)
	}
	for i := range 10_000 {
		if _, ok := h.Expect("", fmt.Sprint(i)); ok {
			known++
		}
	}
	if known < 2048 || known > 4096 {
		t.Errorf("%d of 10,000 are known", known)
	}
	if _, ok := h.Expect("", "often"); !ok {
		t.Error("a query that was always seen is forgotten")
	}
}

// Queries start longest expected first, unknown ones before all, and equals in the
// order asked.
func TestStartOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const unknown = 9
		lengths := rapid.SliceOfN(rapid.IntRange(1, unknown), 1, 30).Draw(rt, "lengths")
		history := new(fanout.History)
		queries := make([]fanout.Query[string], len(lengths))
		want := make([]int, len(lengths))
		for i, length := range lengths {
			queries[i] = fanout.Query[string]{Name: fmt.Sprint(i), SQL: "q"}
			want[i] = i
			if length != unknown {
				history.Note(queries[i].Name, "q", time.Duration(length)*time.Hour)
			}
		}
		slices.SortStableFunc(want, func(a, b int) int { return lengths[b] - lengths[a] })

		db, _ := fake(t, one("x"))
		var started []int
		g := fanout.Group{DB: db, Workers: 1, History: history, Progress: func(e fanout.Event) {
			if e.Step == fanout.Started {
				started = append(started, e.Index)
			}
		}}
		if _, err := fanout.Collect(context.Background(), g, queries...); err != nil {
			rt.Fatal(err)
		}
		if !slices.Equal(started, want) {
			rt.Errorf("started %v, want %v", started, want)
		}
	})
}

func TestRunsLearn(t *testing.T) {
	history := new(fanout.History)
	db, _ := fake(t, func(ctx context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
		if query == "bad" {
			return nil, driver.ErrSkip
		}
		return table([]string{"n"}, []driver.Value{int64(1)}), nil
	})
	g := fanout.Group{DB: db, History: history, KeepGoing: true}
	_, _ = fanout.Collect(testContext(t), g, fanout.Select[int]("good"), fanout.Select[int]("bad"))
	if d, known := history.Expect("", "good"); !known || d <= 0 {
		t.Errorf("good: %v, %v", d, known)
	}
	if _, known := history.Expect("", "bad"); known {
		t.Error("a failure was learned from")
	}
}
