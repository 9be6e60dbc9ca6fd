package wal

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// tracking is a recorder that keeps a tracker, as the driver does.
type tracking struct {
	*recorder
	tracker *freshness.Tracker
}

func (t tracking) Start(generation string, position, after uint64) {
	t.tracker.Start(position, after)
	t.recorder.Start(generation, position, after)
}

func (t tracking) Commit(c freshness.Commit, schema bool) {
	t.tracker.Commit(c)
	t.recorder.Commit(c, schema)
}

func (t tracking) Pass(position uint64) {
	t.tracker.Pass(position)
	t.recorder.Pass(position)
}

func (t tracking) Lose(err error) {
	t.tracker.Lose()
	t.recorder.Lose(err)
}

// track is follow with a tracker; nothing runs until begin is called.
func track(t *testing.T, dsn string) (f *follower, tracker *freshness.Tracker, begin func()) {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	f = &follower{recorder: new(recorder), dsn: dsn}
	tracker = freshness.NewTracker()
	f.feed = New(Config{Connect: config, Sink: tracking{f.recorder, tracker}, Interest: &f.interest, Logger: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	f.stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(f.stop)
	return f, tracker, func() { running.Go(func() { _ = f.feed.Run(ctx) }) }
}

// latest is later than anything that the feed delivers.
const latest = 1<<63 - 2

// untilFresh waits until own writes no longer stand in the way.
func untilFresh(t *testing.T, tracker *freshness.Tracker, tag freshness.Tag) {
	t.Helper()
	until(t, "own writes stand in the way no longer", func() bool { return tracker.Fresh([]freshness.Tag{tag}, latest) })
}

// An own write stands in the way until the feed has told of it, and no longer.
func TestSettle(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	f, tracker, begin := track(t, dsn)
	begin()
	f.untilStarts(t, 1)
	tag := freshness.TableTag(oid(t, c, "t"))
	for n := range 200 {
		exec(t, c, "insert into t select coalesce(max(id), 0) + 1 from t")
		own := tracker.Own(freshness.Whole(tag), false)
		if tracker.Fresh([]freshness.Tag{tag}, latest) {
			t.Fatal("an own write is not marked")
		}
		f.feed.Settle(own)
		untilFresh(t, tracker, tag)
		if told := f.told(); told != n+1 {
			f.recorder.mu.Lock()
			defer f.recorder.mu.Unlock()
			t.Fatalf("after %d writes nothing stands in the way, and %d commits were told; losses %v", n+1, told, f.state.losses)
		}
	}
}

// told is how many commits were told.
func (f *follower) told() int {
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	return len(f.state.commits)
}

// Own writes that come to be settled while there is no stream stand in the way until the next has begun.
func TestSettleWithoutStream(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	f, tracker, begin := track(t, dsn)
	tag := freshness.TableTag(oid(t, c, "t"))
	f.feed.Settle(tracker.Own(freshness.Whole(tag), false))
	if tracker.Fresh([]freshness.Tag{tag}, latest) {
		t.Error("there is no stream, and something is fresh")
	}
	begin()
	f.untilStarts(t, 1)
	untilFresh(t, tracker, tag)
}

// Writers go on while the stream breaks again and again: in the end nothing stands in the way, and at no time is a write
// taken for told that was not.
func TestSettleWhileStreamsBreak(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	f, tracker, begin := track(t, dsn)
	begin()
	f.untilStarts(t, 1)
	tag := freshness.TableTag(oid(t, c, "t"))
	ctx, cancel := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for range 2 {
		writer := connect(t, dsn)
		writers.Go(func() {
			for ctx.Err() == nil {
				read, _, _ := tracker.Passed()
				exec(t, writer, "insert into t select coalesce(max(id), 0) + 1 from t on conflict do nothing")
				own := tracker.Own(freshness.Whole(tag), false)
				f.feed.Settle(own)
				if tracker.Fresh([]freshness.Tag{tag}, read) {
					t.Error("what was read before an own write is fresh after it")
				}
			}
		})
	}
	for n := range 3 {
		exec(t, c, "select pg_terminate_backend(pid) from pg_stat_replication where application_name like 'pgcache%' and pid in "+
			"(select active_pid from pg_replication_slots where database = current_database())")
		f.untilStarts(t, n+2)
	}
	cancel()
	writers.Wait()
	untilFresh(t, tracker, tag)
}
