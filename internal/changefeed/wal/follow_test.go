package wal

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// patienceOfTests bounds every wait.
const patienceOfTests = time.Minute

// recorder is a sink that keeps what it is told.
type recorder struct {
	mu      sync.Mutex
	changed chan struct{}
	state   state
	// lag is the feed's.
	lag func() time.Duration
}

type state struct {
	starts  []start
	losses  []error
	commits []commit
	passed  uint64
	seen    []freshness.Snapshot
	// denied counts the losses of a feed that said it was not behind.
	denied int
}

type start struct {
	generation      string
	position, after uint64
}

type commit struct {
	freshness.Commit
	schema bool
}

func (r *recorder) note(what func(*state)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	what(&r.state)
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

func (r *recorder) Start(generation string, position, after uint64) {
	r.note(func(s *state) { s.starts, s.passed = append(s.starts, start{generation, position, after}), 0 })
}

func (r *recorder) Commit(c freshness.Commit, schema bool) {
	r.note(func(s *state) { s.commits = append(s.commits, commit{c, schema}) })
}

func (r *recorder) Pass(position uint64) { r.note(func(s *state) { s.passed = position }) }

func (r *recorder) Lose(err error) {
	denied := 0
	if r.lag != nil && r.lag() == 0 {
		denied++
	}
	r.note(func(s *state) { s.losses, s.denied = append(s.losses, err), s.denied+denied })
}

func (r *recorder) Observe(seen freshness.Snapshot) {
	r.note(func(s *state) { s.seen = append(s.seen, seen) })
}

// until waits until what was told satisfies a condition.
func (r *recorder) until(t testing.TB, what string, holds func(*state) bool) {
	t.Helper()
	timeout := time.After(patienceOfTests)
	for {
		r.mu.Lock()
		if holds(&r.state) {
			r.mu.Unlock()
			return
		}
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("in vain: %s\ntold: %d starts, losses %v, %d commits, passed %X", what,
				len(r.state.starts), r.state.losses, len(r.state.commits), r.state.passed)
		}
	}
}

// take gives the commits so far, and forgets them.
func (r *recorder) take() (commits []commit) {
	r.note(func(s *state) { commits, s.commits = s.commits, nil })
	return commits
}

// follower is a feed at work.
type follower struct {
	*recorder
	feed     *Feed
	interest changefeed.Interest
	dsn      string
	// punctual is set for a feed that is lost when it is too far behind.
	punctual bool
	stop     func()
}

// quiet is a logger that nobody hears.
var quiet = slog.New(slog.DiscardHandler)

// launch begins to follow a database, and ends with the test.
func launch(t testing.TB, dsn string) *follower {
	t.Helper()
	return launchWith(t, dsn, func(*follower, *Config) {})
}

// launchWith is launch with another configuration.
func launchWith(t testing.TB, dsn string, change func(*follower, *Config)) *follower {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{recorder: new(recorder), dsn: dsn}
	settings := Config{Connect: config, Sink: f.recorder, Interest: &f.interest, Logger: quiet}
	change(f, &settings)
	f.feed = New(settings)
	f.lag = f.feed.Lag
	if !f.punctual {
		f.feed.tolerance = patienceOfTests
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.feed.Run(ctx) }()
	f.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run gave %v", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.state.denied > 0 {
			t.Errorf("the feed was not behind at %d of its %d losses", f.state.denied, len(f.state.losses))
		}
	})
	t.Cleanup(f.stop)
	return f
}

// follow is launch, and the wait for the stream to begin.
func follow(t testing.TB, dsn string) *follower {
	t.Helper()
	f := launch(t, dsn)
	f.untilStarts(t, 1)
	return f
}

func (f *follower) untilStarts(t testing.TB, n int) {
	t.Helper()
	f.until(t, "a stream begins", func(s *state) bool { return len(s.starts) >= n })
}

// catchUp waits until the feed has passed everything that was written up to now.
func (f *follower) catchUp(t testing.TB, c *pgx.Conn) {
	t.Helper()
	position := f.feed.Position(lsnOf(t, c))
	f.until(t, "the feed catches up", func(s *state) bool { return s.passed >= position })
}

// lsnOf is the server's insert position.
func lsnOf(t testing.TB, c *pgx.Conn) uint64 {
	t.Helper()
	lsn, err := server.ParseLSN(get(t, c, "select pg_current_wal_insert_lsn()::text"))
	if err != nil {
		t.Fatal(err)
	}
	return lsn
}

// database makes a database with a publication, empty yet, and gives its DSN and a connection.
func database(t testing.TB) (string, *pgx.Conn) {
	t.Helper()
	dsn := pgtest.Database(t)
	c := connect(t, dsn)
	exec(t, c, "create publication pgcache")
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

// exec runs statements, one after the other.
func exec(t testing.TB, c *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := c.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// get gives the text that a query gives.
func get(t testing.TB, c *pgx.Conn, sql string, args ...any) (text string) {
	t.Helper()
	if err := c.QueryRow(context.Background(), sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

// untilSQL waits until a question is answered with yes.
func untilSQL(t testing.TB, c *pgx.Conn, sql string, args ...any) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < patienceOfTests; {
		var yes bool
		if err := c.QueryRow(context.Background(), sql, args...).Scan(&yes); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if yes {
			return
		}
	}
	t.Fatalf("in vain: %s", sql)
}

// oid is a table's.
func oid(t testing.TB, c *pgx.Conn, table string) uint32 {
	t.Helper()
	var n uint32
	if err := c.QueryRow(context.Background(), "select $1::text::regclass::oid", table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// names gives tags back the names that a test knows them by: "t" for the table, "t.c=*", "t.c=v". They are sorted.
type names map[freshness.Tag]string

func (n names) add(table string, oid uint32, columns, values []string) {
	n[freshness.TableTag(oid)] = table
	for _, c := range columns {
		n[freshness.ColumnTag(oid, c)] = table + "." + c + "=*"
		for _, v := range values {
			n[freshness.RowTag(oid, c, v)] = table + "." + c + "=" + v
		}
	}
}

func (n names) of(tags []freshness.Tag) string {
	var list []string
	for _, tag := range tags {
		name := n[tag]
		if name == "" {
			name = "unknown"
		}
		list = append(list, name)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
