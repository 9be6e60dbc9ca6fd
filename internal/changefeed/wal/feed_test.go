package wal

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestWiden(t *testing.T) {
	const epoch = 1 << 32
	for _, test := range []struct {
		reference uint64
		xid       uint32
		want      uint64
	}{
		{1000, 1001, 1001},
		{1000, 900, 900},
		{7*epoch + 1000, 1001, 7*epoch + 1001},
		{7*epoch + 1000, 900, 7*epoch + 900},
		{7*epoch + 5, math.MaxUint32, 6*epoch + math.MaxUint32}, // prepared before the turn
		{7*epoch - 5, 3, 7*epoch + 3},
		{7*epoch + 5, 1<<31 + 4, 7*epoch + 1<<31 + 4},
		{7*epoch + 5, 1<<31 + 5, 6*epoch + 1<<31 + 5},
	} {
		s := new(stream)
		s.reference.Store(test.reference)
		if got := s.widen(test.xid); got != test.want {
			t.Errorf("%d near %d is %d, not %d", test.xid, test.reference, got, test.want)
		}
		if got, want := s.reference.Load(), max(test.reference, test.want); got != want {
			t.Errorf("after %d the reference is %d, not %d", test.want, got, want)
		}
	}
}

// slow is a sink that takes its time with each commit.
type slow struct {
	*recorder
	let chan struct{}
}

func (s slow) Commit(c freshness.Commit, schema bool) {
	<-s.let
	s.recorder.Commit(c, schema)
}

// A feed whose sink is slow is behind, and says so; when it is too far behind it gives up, and does not take its own slowness
// for the server's silence.
func TestSinkIsSlow(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	let := make(chan struct{})
	f := launchWith(t, dsn, func(f *follower, config *Config) {
		f.punctual, config.Sink = true, slow{f.recorder, let}
	})
	f.untilStarts(t, 1)
	f.catchUp(t, c)
	until(t, "the feed has caught up", func() bool { return f.feed.Lag() == 0 })
	exec(t, c, "insert into t values (1)")
	until(t, "the feed is behind", func() bool { return f.feed.Lag() > time.Second })
	name := f.feed.stream.Load().name
	untilSQL(t, c, "select not exists (select from pg_stat_activity where application_name = $1 and backend_type = 'client backend')", name)
	close(let)
	f.untilStarts(t, 2)
	checkFollows(t, f, c)
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if len(f.state.losses) != 1 || !errors.Is(f.state.losses[0], server.ErrBehind) {
		t.Errorf("losses %v", f.state.losses)
	}
}

// What open transactions wrote is not flushed for a quarter of a minute. A feed that waits for the end of it is not behind: it
// has it flushed.
func TestOpenTransactionIsNotBehind(t *testing.T) {
	_, dsn, c := ownDatabase(t, map[string]string{"wal_writer_delay": "10s", "autovacuum": "off"})
	f := launchWith(t, dsn, func(f *follower, _ *Config) { f.punctual = true })
	f.untilStarts(t, 1)
	f.catchUp(t, c)
	exec(t, c, "begin", "insert into t select n from generate_series(1, 100) n")
	end := f.feed.pages.Load().Reachable(lsnOf(t, c)) // nobody waits for it
	begun := time.Now()
	f.until(t, "the feed passes what is not flushed", func(s *state) bool { return s.passed >= end })
	if took := time.Since(begun); took > server.TooFarBehind {
		t.Errorf("it took %v", took)
	}
	exec(t, c, "commit")
	f.until(t, "the commit is told", func(s *state) bool { return len(s.commits) > 0 })
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if len(f.state.losses) > 0 {
		t.Errorf("losses %v", f.state.losses)
	}
}

// until waits until a condition holds that nobody announces.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for begun := time.Now(); !holds(); <-ticker.C {
		if time.Since(begun) > patienceOfTests {
			t.Fatalf("in vain: %s", what)
		}
	}
}

func TestPublicationHasAnyName(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", `create publication "it's ""one"", or two" for table t`)
	f := launchWith(t, dsn, func(_ *follower, config *Config) { config.Publication = `it's "one", or two` })
	f.untilStarts(t, 1)
	checkFollows(t, f, c)
}

// What the role, the database or the connection string set changes nothing: values have the same text, and nothing times out.
func TestSettingsDoNotMatter(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key, d date, b bytea, f float8)", "alter table t replica identity full", "alter publication pgcache add table t",
		"create schema odd", "create function odd.pg_current_xact_id() returns text language sql as $$ select 'odd' $$",
		"do $$ declare s text; begin foreach s in array array['datestyle = ''SQL, DMY''', 'bytea_output = escape', 'extra_float_digits = -5', "+
			"'search_path = odd, pg_catalog', 'statement_timeout = 1', 'idle_session_timeout = 1', 'synchronous_commit = remote_apply'] loop "+
			"execute format('alter database %I set ', current_database()) || s; end loop; end $$")
	f := follow(t, dsn+"&DateStyle=German&application_name=mine")
	table := oid(t, c, "t")
	for _, column := range []string{"d", "b", "f"} {
		f.interest.Add(table, column)
	}
	exec(t, c, `insert into t values (1, '2026-02-01', '\x00ff', 0.1::float8 + 0.2::float8)`)
	f.catchUp(t, c)
	known := names{}
	known.add("t", table, []string{"d", "b", "f"}, []string{"2026-02-01", `\x00ff`, "0.30000000000000004"})
	if got, want := story(t, f, known), `t t.b=\x00ff t.d=2026-02-01 t.f=0.30000000000000004`; got != want {
		t.Errorf("touches %s, not %s", got, want)
	}
}

// An error names what to do, and no password.
func TestErrorsAreFitToPrint(t *testing.T) {
	config, err := pgconn.ParseConfig("postgres://me:secret@127.0.0.1:1/db?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	r := new(recorder)
	feed := New(Config{Connect: config, Sink: r, Logger: quiet})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = feed.Run(ctx) })
	r.until(t, "the loss is told", func(s *state) bool { return len(s.losses) > 0 })
	cancel()
	running.Wait()
	if text := r.state.losses[0].Error(); strings.Contains(text, "secret") {
		t.Errorf("%s", text)
	}
	cause := errors.New("the server's words")
	setup := &SetupError{ErrWALLevel, "set it", cause}
	if text := setup.Error(); text != "pgcache: wal_level is not logical: set it: the server's words" {
		t.Error(text)
	}
	if !errors.Is(setup, cause) || !errors.Is(setup, ErrWALLevel) || errors.Is(setup, ErrSlots) {
		t.Error("the error is not of its kind and its cause")
	}
}

// A standby is not followed, though newer ones could be: what is visible there and what was decoded are two things.
func TestStandby(t *testing.T) {
	server, dsn, c := ownDatabase(t, nil)
	data := get(t, c, "show data_directory")
	c.Close(t.Context())
	if err := server.Stop(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var starting sync.WaitGroup
	starting.Go(func() { _ = server.Start(ctx) }) // it waits for a server that takes writes
	defer starting.Wait()
	defer cancel()
	f := launch(t, dsn)
	f.loses(t, ErrNotPrimary)
}

// The feed begins with no commit that was there before it, and its start is not behind anything that it tells.
func TestStart(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	before, xid := lsnOf(t, c), get(t, c, "select pg_current_xact_id()::text")
	exec(t, c, "insert into t values (1)")
	f := follow(t, dsn)
	exec(t, c, "insert into t values (2)")
	f.catchUp(t, c)
	var earlier uint64
	if err := server.Numbers([]string{xid}, &earlier); err != nil {
		t.Fatal(err)
	}
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	begun, told := f.state.starts[0], f.state.commits
	if begun.position <= before || begun.after <= earlier {
		t.Errorf("begun at %X after %d, no later than %X and %d", begun.position, begun.after, before, earlier)
	}
	if len(told) != 1 || told[0].Position <= begun.position || told[0].XID <= begun.after {
		t.Errorf("begun at %X after %d; told %v", begun.position, begun.after, told)
	}
}

func TestMain(m *testing.M) { pgtest.Main(m) }
