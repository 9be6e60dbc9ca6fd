package wal

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// A barrier that begins after a commit was acknowledged ends after the sink was told of it, whatever else goes on: other
// commits, synchronous or not, rollbacks, savepoints, tables that are not published, an open transaction that writes.
func TestBarrierSeesWhatWasAcknowledged(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key, n int)", "create table other (n int)", "alter publication pgcache add table t")
	f := follow(t, dsn)
	open := connect(t, dsn)
	exec(t, open, "begin", "insert into other values (1)")
	table := freshness.TableTag(oid(t, c, "t"))
	var writers sync.WaitGroup
	for i, how := range []string{
		"set synchronous_commit = on", "set synchronous_commit = off", "set synchronous_commit = on",
	} {
		conn := connect(t, dsn)
		exec(t, conn, how)
		writers.Go(func() {
			for n := range 150 {
				switch n % 4 {
				case 0:
					exec(t, conn, "begin", "insert into other values (1)", "savepoint s", "insert into t values (-1, 0)", "rollback")
				case 1:
					exec(t, conn, "insert into other select generate_series(1, 100)")
				}
				exec(t, conn, "begin", "savepoint s")
				if _, err := conn.Exec(context.Background(), "insert into t values ($1, 0)", i*1000+n); err != nil {
					t.Error(err)
				}
				xid := get(t, conn, "select pg_current_xact_id()::text")
				exec(t, conn, "commit")
				if err := f.feed.Barrier(t.Context()); err != nil {
					t.Errorf("barrier: %v", err)
					return
				}
				if !f.has(xid, table) {
					t.Errorf("transaction %s was acknowledged before the barrier, and is not told after it", xid)
					return
				}
			}
		})
	}
	writers.Wait()
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	t.Logf("%d barriers were asked for %d commits", len(f.state.seen), len(f.state.commits))
}

// has tells whether a commit was told.
func (f *follower) has(xid string, tag freshness.Tag) bool {
	var n uint64
	if err := server.Numbers([]string{xid}, &n); err != nil {
		return false
	}
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	return slices.ContainsFunc(f.state.commits, func(c commit) bool { return c.XID == n && slices.Contains(c.Tags, tag) })
}

// Barriers of those who wait at the same time are one.
func TestBarriersAreShared(t *testing.T) {
	dsn, _ := database(t)
	f := follow(t, dsn)
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			for range 100 {
				if err := f.feed.Barrier(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if asked := len(f.state.seen); asked > 3200/5 {
		t.Errorf("3200 barriers took %d questions", asked)
	} else {
		t.Logf("3200 barriers took %d questions", asked)
	}
}

// Whoever gives up has the context's error, and a feed without a stream says so.
func TestBarrierGivesUp(t *testing.T) {
	dsn, _ := database(t)
	f := follow(t, dsn)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := f.feed.Barrier(ctx); err != context.Canceled {
		t.Errorf("a caller who gave up has %v", err)
	}
	f.stop()
	if err := f.feed.Barrier(context.Background()); err != ErrNoStream {
		t.Errorf("without a stream: %v", err)
	}
}

// How long it takes from a commit to the sink, and how long a barrier takes on an idle server, beside a question that does
// nothing.
func BenchmarkDelay(b *testing.B) {
	dsn, c := database(b)
	exec(b, c, "create table t (id int primary key, n int)", "insert into t values (1, 0)", "alter publication pgcache add table t")
	f := follow(b, dsn)
	b.Run("commit to sink", func(b *testing.B) {
		var times []time.Duration
		for b.Loop() {
			f.take()
			exec(b, c, "update t set n = n + 1")
			begun := time.Now()
			f.until(b, "the commit comes", func(s *state) bool { return len(s.commits) > 0 })
			times = append(times, time.Since(begun))
		}
		percentiles(b, times)
	})
	b.Run("barrier", func(b *testing.B) {
		var times []time.Duration
		for b.Loop() {
			begun := time.Now()
			if err := f.feed.Barrier(b.Context()); err != nil {
				b.Fatal(err)
			}
			times = append(times, time.Since(begun))
		}
		percentiles(b, times)
	})
	b.Run("select 1", func(b *testing.B) {
		var times []time.Duration
		for b.Loop() {
			begun := time.Now()
			exec(b, c, "select 1")
			times = append(times, time.Since(begun))
		}
		percentiles(b, times)
	})
}

func percentiles(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	at := func(p float64) float64 { return float64(times[int(p*float64(len(times)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "p50-µs")
	b.ReportMetric(at(0.99), "p99-µs")
}
