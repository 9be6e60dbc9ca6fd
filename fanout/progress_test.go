package fanout_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/fanout"
)

func TestProgressCountsAddUp(t *testing.T) {
	db, _ := fake(t, func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
		if args[0].Value.(int64)%5 == 0 {
			return nil, errors.New("no")
		}
		return echo(ctx, query, args)
	})
	var events []fanout.Event // without a lock: calls come one at a time
	g := fanout.Group{DB: db, Workers: 4, KeepGoing: true, Progress: func(e fanout.Event) { events = append(events, e) }}
	queries := make([]fanout.Query[int], 50)
	for i := range queries {
		queries[i] = fanout.Select[int]("select $1", i)
	}
	_, _ = fanout.Collect(testContext(t), g, queries...)

	running, done, failed := 0, 0, 0
	for _, e := range events {
		switch e.Step {
		case fanout.Started:
			running++
		case fanout.Finished:
			running, done = running-1, done+1
			if e.Err != nil {
				failed++
			}
		}
		if e.Running != running || e.Done != done || e.Failed != failed || e.Total != 50 || running > 4 {
			t.Fatalf("%+v, want %d running, %d done, %d failed", e, running, done, failed)
		}
	}
	if last := events[len(events)-1]; last.Step != fanout.Over || last.Index != -1 || done != 50 || failed != 10 {
		t.Errorf("last %+v, %d done, %d failed", last, done, failed)
	}
}

func TestProgressLineInALog(t *testing.T) {
	var log bytes.Buffer
	line := fanout.ProgressLine(&log)
	line(fanout.Event{Step: fanout.Started, Name: "a", Total: 2})
	line(fanout.Event{Step: fanout.Finished, Name: "a\x1b[2J\n", Total: 2, Done: 1, Took: 1200 * time.Microsecond, Elapsed: 2 * time.Millisecond})
	line(fanout.Event{Step: fanout.Finished, Name: "b", Total: 2, Done: 2, Failed: 1, Took: 12340 * time.Millisecond, Elapsed: 62340 * time.Millisecond, Err: errors.New("no")})
	line(fanout.Event{Step: fanout.Over, Total: 2, Done: 2, Failed: 1})
	want := "1/2, 2ms · a [2J  done in 1ms\n2/2, 1 failed, 1m2.3s · b failed in 12.3s\n"
	if got := log.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// brokenWriter fails, as a closed terminal does.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestProgressLineSurvivesItsWriter(t *testing.T) {
	db, _ := fake(t, one(int64(1)))
	g := fanout.Group{DB: db, Progress: fanout.ProgressLine(brokenWriter{})}
	if _, err := fanout.Collect(testContext(t), g, fanout.Select[int]("x")); err != nil {
		t.Error(err)
	}
}
