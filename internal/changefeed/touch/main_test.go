package touch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed/setup"
	"github.com/gopgcache/pgcache/internal/changefeed/touch"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/statement"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// never is an interval that no test lives to see the end of: polls come only when somebody waits.
const never = time.Hour

// patience bounds every wait of a test. It is long: a machine may be busy.
const patience = time.Minute

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(soon(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(soon(t), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func scalar[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(soon(t), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// install sets the touch log up for all tables that there are.
func install(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	report, err := setup.Install(soon(t), conn.PgConn(), setup.Touch, setup.Publication)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range report.Items {
		if item.ToDo != "" {
			t.Errorf("%s: %s: %s", item.Name, item.State, item.ToDo)
		}
	}
}

// diary is a sink that remembers what it is told, and hands it on to a tracker.
type diary struct {
	tracker *freshness.Tracker

	mu      sync.Mutex
	commits []told
	streams []string // the generations
	after   uint64
	passed  uint64
	lost    error
	live    bool
	changes chan struct{} // closed at the next event
	// hold, if there is one, is called before a commit or a poll's end is noted.
	hold func()
}

type told struct {
	freshness.Commit
	schema bool
}

func newDiary() *diary {
	return &diary{tracker: freshness.NewTracker(), changes: make(chan struct{})}
}

// note changes the diary and wakes those who wait for it.
func (d *diary) note(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	close(d.changes)
	d.changes = make(chan struct{})
}

func (d *diary) Start(generation string, position, after uint64) {
	d.tracker.Start(position, after)
	d.note(func() { d.streams, d.after, d.live, d.lost = append(d.streams, generation), after, true, nil })
}

func (d *diary) pause() {
	d.mu.Lock()
	hold := d.hold
	d.mu.Unlock()
	if hold != nil {
		hold()
	}
}

func (d *diary) Commit(c freshness.Commit, schema bool) {
	d.pause()
	d.tracker.Commit(c)
	d.note(func() { d.commits = append(d.commits, told{c, schema}) })
}

func (d *diary) Pass(position uint64) {
	d.pause()
	d.tracker.Pass(position)
	d.note(func() { d.passed = position })
}

func (d *diary) Lose(err error) {
	d.tracker.Lose()
	d.note(func() { d.lost, d.live = err, false })
}

func (d *diary) Observe(s freshness.Snapshot) { d.tracker.Observe(s) }

// wait waits until the diary says something.
func (d *diary) wait(t *testing.T, what string, says func() bool) {
	t.Helper()
	ctx := soon(t)
	for {
		d.mu.Lock()
		ok, changes, lost := says(), d.changes, d.lost
		d.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changes:
		case <-ctx.Done():
			t.Fatalf("%s: not in time; the stream was lost with: %v", what, lost)
		}
	}
}

// stream waits for the nth stream and gives its generation.
func (d *diary) stream(t *testing.T, n int) string {
	t.Helper()
	d.wait(t, fmt.Sprintf("stream %d", n), func() bool { return len(d.streams) >= n && d.live })
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.streams[n-1]
}

// take gives the commits since it was called last.
func (d *diary) take() []told {
	d.mu.Lock()
	defer d.mu.Unlock()
	commits := d.commits
	d.commits = nil
	return commits
}

// follow runs a feed until the test ends.
func follow(t *testing.T, dsn string, every time.Duration) (*touch.Feed, *diary) {
	t.Helper()
	d := newDiary()
	feed := newFeed(t, dsn, every, d)
	run(t, feed)
	return feed, d
}

func newFeed(t *testing.T, dsn string, every time.Duration, d *diary) *touch.Feed {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return touch.New(touch.Config{Connect: config, Sink: d, Interval: every})
}

func run(t *testing.T, feed *touch.Feed) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- feed.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Run gave %v", err)
		}
	})
}

func barrier(t *testing.T, feed *touch.Feed) {
	t.Helper()
	if err := feed.Barrier(soon(t)); err != nil {
		t.Fatal(err)
	}
}

// names writes commits as the tables that they wrote, in no order.
func names(t *testing.T, conn *pgx.Conn, commits []told) string {
	t.Helper()
	rows, err := conn.Query(soon(t), "select oid, relname from pg_class where relkind in ('r', 'p') and oid >= 16384")
	if err != nil {
		t.Fatal(err)
	}
	byTag := make(map[freshness.Tag]string)
	var oid uint32
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name}, func() error {
		byTag[freshness.TableTag(oid)] = name
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range commits {
		var tables []string
		for _, tag := range c.Tags {
			tables = append(tables, byTag[tag])
		}
		slices.Sort(tables)
		if c.Everything {
			tables = append(tables, "everything")
		}
		if c.schema != c.Everything {
			tables = append(tables, "schema?")
		}
		list = append(list, strings.Join(tables, " "))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

// database makes a database with the touch log for the tables of schema, save one.
func database(t *testing.T) (dsn string) {
	t.Helper()
	dsn = pgtest.Database(t)
	conn := connect(t, dsn)
	exec(t, conn, schema)
	install(t, conn)
	exec(t, conn, "drop trigger pgcache_touch on untold")
	return dsn
}

// installBut sets the touch log up for all tables but one.
func installBut(t *testing.T, conn *pgx.Conn, but string) (tables []statement.Name) {
	t.Helper()
	rows, err := conn.Query(soon(t), "select nspname, relname from pg_class c join pg_namespace n on n.oid = relnamespace "+
		"where relkind in ('r', 'p') and nspname = 'public' and relname <> $1", but)
	if err != nil {
		t.Fatal(err)
	}
	if tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[statement.Name]); err != nil {
		t.Fatal(err)
	}
	if _, err := setup.Install(soon(t), conn.PgConn(), setup.Touch, setup.Publication, tables...); err != nil {
		t.Fatal(err)
	}
	return tables
}
