package wal

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// ownDatabase is database on a server that the test may stop.
func ownDatabase(t testing.TB, settings map[string]string) (*testenv.Server, string, *pgx.Conn) {
	t.Helper()
	server := pgtest.OwnWith(t, testenv.Options{Settings: settings})
	dsn := server.DSN("")
	c := connect(t, dsn)
	exec(t, c, "create publication pgcache", "create table t (id int primary key, n int)", "alter publication pgcache add table t")
	return server, dsn, c
}

// checkFollows finds the feed following: a commit is told, and after it a barrier passes.
func checkFollows(t *testing.T, f *follower, c *pgx.Conn) {
	t.Helper()
	f.take()
	exec(t, c, "insert into t select coalesce(max(id), 0) + 1 from t")
	if err := f.feed.Barrier(t.Context()); err != nil {
		t.Errorf("barrier: %v", err)
	}
	if n := len(f.take()); n != 1 {
		t.Errorf("%d commits were told, not one", n)
	}
}

// Whichever connection breaks, and however, the sink is told of a loss and then of a new stream.
func TestConnectionBreaks(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	const backends = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1 and "
	for _, test := range []struct{ name, which string }{
		{"walsender", "backend_type = 'walsender'"},
		{"control", "query like '%synchronous_standby_names%'"},
		{"barriers", "(query like '%pg_current_snapshot(), pg_current_wal_insert_lsn()%' or query like '%pg_event_trigger%')"},
		{"all", "true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := follow(t, dsn)
			checkFollows(t, f, c)
			name := f.feed.stream.Load().name
			untilSQL(t, c, "select count(*) = 3 and bool_or(query like '%synchronous_standby_names%') from pg_stat_activity where application_name = $1", name)
			if n := get(t, c, "select ("+backends+test.which+")::text", name); n == "0" {
				t.Fatal("nothing was there to end")
			}
			_ = f.feed.Barrier(t.Context()) // the loss of its own connection is seen when it is used
			f.untilStarts(t, 2)
			checkFollows(t, f, c)
			checkStory(t, f)
			f.stop()
			checkNothingLeft(t, c, name)
		})
	}
}

// checkStory finds losses between the starts.
func checkStory(t *testing.T, f *follower) {
	t.Helper()
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if len(f.state.losses) < len(f.state.starts)-1 {
		t.Errorf("%d streams, and %d losses", len(f.state.starts), len(f.state.losses))
	}
	first, last := f.state.starts[0], f.state.starts[len(f.state.starts)-1]
	if first.generation != last.generation || last.position < first.position || last.after <= first.after {
		t.Errorf("the server is the same; first %v, then %v", first, last)
	}
}

// checkNothingLeft finds no connection and no slot left of a feed that was stopped.
func checkNothingLeft(t *testing.T, c *pgx.Conn, name string) {
	t.Helper()
	if n := get(t, c, "select count(*)::text from pg_replication_slots where slot_name = $1", name); n != "0" {
		t.Error("a slot is left")
	}
	untilSQL(t, c, "select not exists (select from pg_stat_activity where application_name = $1)", name)
}

// When Run has returned, the slot is gone already.
func TestStopLeavesNoSlot(t *testing.T) {
	dsn, c := database(t)
	for range 30 {
		f := follow(t, dsn)
		name := f.feed.stream.Load().name
		if n := get(t, c, "select count(*)::text from pg_replication_slots where slot_name = $1", name); n != "1" {
			t.Errorf("there are %s slots", n)
		}
		f.stop()
		checkNothingLeft(t, c, name)
	}
}

// losses counts what was lost so far: failed tries to begin a stream count too.
func (f *follower) losses() int {
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	return len(f.state.losses)
}

func TestServerRestarts(t *testing.T) {
	server, dsn, c := ownDatabase(t, nil)
	f := follow(t, dsn)
	checkFollows(t, f, c)
	for i, how := range []testenv.Shutdown{testenv.Fast, testenv.Immediate, testenv.Crash} {
		before := f.losses()
		if err := server.Stop(t.Context(), how); err != nil {
			t.Fatal(err)
		}
		f.until(t, "the loss is told", func(s *state) bool { return len(s.losses) > before })
		if err := f.feed.Barrier(t.Context()); !errors.Is(err, ErrNoStream) {
			t.Errorf("a barrier without a server: %v", err)
		}
		if f.feed.Lag() == 0 {
			t.Error("a feed that is down is not behind")
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.untilStarts(t, i+2)
		checkFollows(t, f, connect(t, dsn))
	}
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	seen := make(map[string]bool)
	for _, s := range f.state.starts {
		if seen[s.generation] {
			t.Errorf("generation %s began twice", s.generation)
		}
		seen[s.generation] = true
	}
}

// A process of the server crashes, and the server recovers without a restart. Commits that were not flushed are lost, so
// it is a new generation.
func TestServerRecovers(t *testing.T) {
	_, dsn, c := ownDatabase(t, nil)
	f := follow(t, dsn)
	victim := connect(t, dsn)
	if err := syscall.Kill(int(victim.PgConn().PID()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.Close(t.Context())
	f.untilStarts(t, 2)
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if first, second := f.state.starts[0], f.state.starts[1]; first.generation == second.generation {
		t.Errorf("the generation is still %s", first.generation)
	}
}

// loses waits until the sink is told of a loss of one kind.
func (f *follower) loses(t *testing.T, kind error) {
	t.Helper()
	f.until(t, kind.Error(), func(s *state) bool {
		for _, err := range s.losses {
			if setup := (*SetupError)(nil); errors.Is(err, kind) && errors.As(err, &setup) {
				return setup.Advice != ""
			}
		}
		return false
	})
}

func TestPublicationIsMissing(t *testing.T) {
	dsn := pgtest.Database(t)
	f := launch(t, dsn)
	f.loses(t, ErrPublication)
	c := connect(t, dsn)
	exec(t, c, "create table t (id int primary key)", "create publication pgcache for table t with (publish = 'insert')")
	f.feed.Retry()
	f.until(t, "insert is not enough", func(s *state) bool {
		return strings.Contains(s.losses[len(s.losses)-1].Error(), "must publish insert, update")
	})
	exec(t, c, "alter publication pgcache set (publish = 'insert, update, delete, truncate')")
	f.feed.Retry()
	f.untilStarts(t, 1)
	checkFollows(t, f, c)

	exec(t, c, "drop publication pgcache", "insert into t values (-1)")
	f.until(t, "the loss is told", func(s *state) bool { return errors.Is(s.losses[len(s.losses)-1], ErrPublication) })
	exec(t, c, "create publication pgcache for table t")
	f.feed.Retry()
	f.untilStarts(t, 2)
	checkFollows(t, f, c)
}

// What a publication publishes is changed while nothing is written: a new stream begins, since nobody else may tell.
func TestPublicationChanges(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "create table u (id int primary key)", "alter publication pgcache add table t")
	f := follow(t, dsn)
	for i, sql := range []string{"alter publication pgcache add table u", "alter publication pgcache drop table u"} {
		exec(t, c, sql)
		f.untilStarts(t, i+2)
	}
	exec(t, c, "drop publication pgcache")
	f.loses(t, ErrPublication)
}

func TestRoleMayNotReplicate(t *testing.T) {
	server, dsn, c := ownDatabase(t, nil)
	exec(t, c, "create role app login password 'app'")
	f := launch(t, strings.Replace(server.DSN(""), "//"+userOf(dsn)+"@", "//app:app@", 1))
	f.loses(t, ErrPrivilege)
	exec(t, c, "alter role app replication")
	f.feed.Retry()
	f.untilStarts(t, 1)
	checkFollows(t, f, c)
}

// userOf is the part of a DSN before the host.
func userOf(dsn string) string {
	user, _, _ := strings.Cut(strings.TrimPrefix(dsn, "postgres://"), "@")
	return user
}

func TestServerCannotBeFollowed(t *testing.T) {
	for _, test := range []struct {
		settings map[string]string
		want     error
	}{
		{map[string]string{"wal_level": "replica"}, ErrWALLevel},
		{map[string]string{"max_replication_slots": "0"}, ErrSlots},
		{map[string]string{"max_wal_senders": "0"}, ErrSlots},
		{map[string]string{"synchronous_standby_names": "FIRST 1 (*)", "synchronous_commit": "local"}, ErrSynchronous},
	} {
		t.Run(test.want.Error(), func(t *testing.T) {
			_, dsn, _ := ownDatabase(t, test.settings)
			f := launch(t, dsn)
			f.loses(t, test.want)
		})
	}
}

// The server is told to wait for any standby, the feed's connection among them, while it runs.
func TestFeedWouldBeWaitedFor(t *testing.T) {
	_, dsn, c := ownDatabase(t, map[string]string{"synchronous_commit": "local"})
	f := follow(t, dsn)
	exec(t, c, "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")
	f.loses(t, ErrSynchronous)
	exec(t, c, "alter system set synchronous_standby_names = 'other, pgcache'", "select pg_reload_conf()")
	f.feed.Retry()
	f.untilStarts(t, 2)
	checkFollows(t, f, c)
	if n := get(t, c, "select count(*)::text from pg_stat_replication where sync_priority > 0"); n != "0" {
		t.Errorf("the feed counts as a synchronous standby")
	}
}

// A transaction that is writing holds a slot up. A feed that is stopped meanwhile leaves nothing; one that is not begins
// when the transaction ends.
func TestOpenTransactionAtTheStart(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	writer := connect(t, dsn)
	exec(t, writer, "begin", "insert into t values (-1)")
	const waits = "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and backend_type = 'walsender' and datname = current_database())"
	f := launch(t, dsn)
	untilSQL(t, c, waits)
	f.stop()
	untilSQL(t, c, "select not ("+strings.TrimPrefix(waits, "select ")+")")
	untilSQL(t, c, "select not exists (select from pg_replication_slots where database = current_database())")

	f = launch(t, dsn)
	untilSQL(t, c, waits)
	exec(t, writer, "commit")
	f.untilStarts(t, 1)
	checkFollows(t, f, c)
}

// TRUNCATE beside the start of a slot has been seen to break the stream: it must recover.
func TestTruncateAtTheStart(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	truncater := connect(t, dsn)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			exec(t, truncater, "begin", "truncate t", "insert into t values (1)", "commit")
		}
	}()
	for range 5 {
		f := follow(t, dsn)
		f.until(t, "commits come", func(s *state) bool { return len(s.commits) > 10 })
		f.stop()
	}
	cancel()
	<-done
	f := follow(t, dsn)
	checkFollows(t, f, c)
}
