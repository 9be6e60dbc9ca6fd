package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// patience bounds every wait.
const patience = time.Minute

// process is one process of a fleet: a feed, a tracker, and a record of what the feed told.
type process struct {
	feed     *Feed
	tracker  *freshness.Tracker
	interest changefeed.Interest
	stop     func()

	mu      sync.Mutex
	changed chan struct{}
	state   state
}

// state is what a process was told.
type state struct {
	starts, losses []string
	commits        []freshness.Commit
	live           bool
	passed         uint64
	schema         int
	// denied counts the losses of a feed that said it was not behind.
	denied int
}

func (p *process) note(what func(*state)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what(&p.state)
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

func (p *process) Start(generation string, position, after uint64) {
	p.tracker.Start(position, after)
	p.note(func(s *state) {
		s.starts, s.live, s.passed = append(s.starts, fmt.Sprintf("%s %X %d", generation, position, after)), true, 0
	})
}

func (p *process) Commit(c freshness.Commit, schema bool) {
	p.tracker.Commit(c)
	p.note(func(s *state) {
		if schema {
			s.schema++
		}
		if c.XID != 0 { // not what every start tells
			s.commits = append(s.commits, c)
		}
	})
}

func (p *process) Pass(position uint64) {
	p.tracker.Pass(position)
	p.note(func(s *state) { s.passed = position })
}

func (p *process) Observe(seen freshness.Snapshot) { p.tracker.Observe(seen) }

func (p *process) Lose(err error) {
	p.tracker.Lose()
	denied := 0
	if p.feed.Lag() == 0 {
		denied++
	}
	p.note(func(s *state) { s.losses, s.live, s.denied = append(s.losses, err.Error()), false, s.denied+denied })
}

// until waits until what was told satisfies a condition.
func (p *process) until(t testing.TB, what string, holds func(*state) bool) {
	t.Helper()
	timeout := time.After(patience)
	for {
		p.mu.Lock()
		if holds(&p.state) {
			p.mu.Unlock()
			return
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Fatalf("in vain: %s\nstarts %q\nlosses %q\n%d commits, passed %X", what, p.state.starts, p.state.losses,
				len(p.state.commits), p.state.passed)
		}
	}
}

func (p *process) untilLive(t testing.TB) {
	t.Helper()
	p.until(t, "there is a stream", func(s *state) bool { return s.live })
}

// look looks at what was told.
func (p *process) look(at func(*state)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at(&p.state)
}

// logger is one that nobody hears, unless somebody wants to.
func logger(name string) *slog.Logger {
	if os.Getenv("PGCACHE_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("process", name)
}

// launch begins a process, which ends with the test.
func launch(t testing.TB, dsn string, transport Transport) *process {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{tracker: freshness.NewTracker()}
	p.feed = New(Config{
		WAL:       wal.Config{Connect: config, Sink: p, Interest: &p.interest, Logger: logger(fmt.Sprintf("%p", p))},
		Transport: transport,
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.feed.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run gave %v", err)
		}
		p.look(func(s *state) {
			if s.denied > 0 {
				t.Errorf("the feed was not behind at %d of its %d losses", s.denied, len(s.losses))
			}
		})
	})
	t.Cleanup(p.stop)
	return p
}

// fleet begins several processes, and waits until all have a stream.
func fleet(t testing.TB, dsn string, n int, transport func() Transport) []*process {
	t.Helper()
	var all []*process
	for range n {
		all = append(all, launch(t, dsn, transport()))
	}
	for _, p := range all {
		p.untilLive(t)
	}
	return all
}

// leaderOf gives the process that leads, once one does that has a stream, and the others.
func leaderOf(t testing.TB, all []*process) (leads *process, others []*process) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		for i, p := range all {
			if p.feed.Leads() {
				p.untilLive(t)
				return p, slices.Delete(slices.Clone(all), i, i+1)
			}
		}
		pause(context.Background(), time.Millisecond)
	}
	t.Fatal("nobody leads")
	return nil, nil
}

// database makes a database with a published table t, and gives its DSN and a connection.
func database(t testing.TB) (string, *pgx.Conn) {
	t.Helper()
	dsn := pgtest.Database(t)
	c := connect(t, dsn)
	exec(t, c, "create table t (id int primary key, n int not null)", "create publication pgcache for table t")
	return dsn, c
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func exec(t testing.TB, c *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := c.Exec(context.Background(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func get[T any](t testing.TB, c *pgx.Conn, sql string, args ...any) (value T) {
	t.Helper()
	if err := c.QueryRow(context.Background(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// untilSQL waits until a question is answered with yes.
func untilSQL(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		if get[bool](t, c, sql, args...) {
			return
		}
	}
	t.Fatalf("in vain: %s", sql)
}

// lsnOf is where the server's WAL ends.
func lsnOf(t testing.TB, c *pgx.Conn) uint64 {
	t.Helper()
	lsn, err := server.ParseLSN(get[string](t, c, "select pg_current_wal_insert_lsn()::text"))
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

// catchUp waits until a process was told everything that was written up to now.
func (p *process) catchUp(t testing.TB, c *pgx.Conn) {
	t.Helper()
	position := p.feed.Position(lsnOf(t, c))
	p.until(t, "the process catches up", func(s *state) bool { return s.live && s.passed >= position })
}

const slots = "select count(*) from pg_replication_slots where database = current_database()"

func TestMain(m *testing.M) {
	if os.Getenv("PGCACHE_TEST_CHILD") != "" {
		child()
		return
	}
	pgtest.Main(m)
}
