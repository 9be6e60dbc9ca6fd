package linear_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// scene is a server with writers on it, and readers at each level that reach it through a network of their own.
type scene struct {
	*testing.T

	server  *testenv.Server
	direct  string // the connection string past the network
	network *proxy
	control *pgx.Conn // past the network too
	writers *writers
	levels  []*level
	writes  []write // those of the scene itself
}

// level is what reads at one level.
type level struct {
	name      string
	db        *sql.DB
	connector *driver.Connector
	readers   *readers
}

// fault is something that happens to a feed.
type fault struct {
	name string
	// happen lets it happen, and mends what nobody else would.
	happen func(s *scene)
	// breaks is set when pgx's own queries fail too.
	breaks bool
	// late is how long a change may stay unseen at the level tracked: as long as it takes to notice the fault.
	late time.Duration
	// before runs before the first connection is made.
	before func(s *scene)
	// writerParams are added to the writers' connection string.
	writerParams string
	// only is the one kind of write that there is, if it is set.
	only string
}

// promptly is how long a change may stay unseen when nothing holds up the feed but a busy machine. A fault that the operating
// system tells us of is noticed as soon.
const promptly = 3 * time.Second

// silently is how long it may when nobody tells of the fault: the server is asked once a second whether it is there, and has
// five seconds to answer.
const silently = promptly + 6*time.Second

var faults = []fault{
	{name: "walsender killed", late: promptly, happen: func(s *scene) { s.anew(s.killSenders) }},
	{name: "control connections killed", late: promptly, happen: func(s *scene) { s.anew(s.killControl) }},
	{name: "connections broken", late: promptly, breaks: true, happen: func(s *scene) { s.anew(s.network.breakAll) }},
	{name: "network silent", late: silently, breaks: true, happen: func(s *scene) {
		s.anew(func() {
			s.network.silence(true)
			s.eventually("both feeds lost", func() bool { return len(s.slots()) == 0 })
			s.network.silence(false)
		})
	}},
	{name: "slot dropped", late: promptly, happen: func(s *scene) {
		s.anew(func() {
			slots := s.slots()
			s.killSenders()
			for _, slot := range slots {
				_, _ = s.control.Exec(s.Context(), "select pg_drop_replication_slot($1)", slot) // the server may have been quicker
			}
		})
	}},
	{name: "server restarted", late: promptly, breaks: true, happen: func(s *scene) { s.anew(func() { s.restart(testenv.Fast) }) }},
	{name: "server restarted at once", late: promptly, breaks: true, happen: func(s *scene) { s.anew(func() { s.restart(testenv.Immediate) }) }},
	{name: "publication dropped", late: promptly, happen: func(s *scene) {
		s.anew(func() {
			execute(s.T, s.control, "drop publication pgcache")
			s.turns(20)
			for _, l := range s.levels { // whoever installs it has the feed look at once
				if _, err := l.db.ExecContext(s.Context(), "call pgcache.install()"); err != nil {
					s.Fatal(err)
				}
			}
		})
	}},
	{name: "table dropped from the publication", late: promptly, happen: func(s *scene) {
		execute(s.T, s.control, "alter publication pgcache drop table cell, board")
		s.turns(30)
		execute(s.T, s.control, "alter publication pgcache add table cell, board")
		s.turns(20)
	}},
	{name: "view made anew", late: promptly, happen: func(s *scene) {
		for version := range int64(30) {
			s.define(version + 1)
			s.turns(1)
		}
	}},
	{name: "asynchronous commits", late: promptly, writerParams: "&options=-csynchronous_commit%3Doff", happen: func(s *scene) { s.turns(100) }},
	{name: "bulk writer that never commits", late: promptly, happen: func(s *scene) {
		bulk := connect(s.T, s.direct)
		execute(s.T, bulk, "create table bulk (n int, filler text)")
		execute(s.T, bulk, "begin")
		for enough := s.writers.count.Load() + 100; s.writers.count.Load() < enough; {
			execute(s.T, bulk, "insert into bulk select n, repeat('x', 200) from generate_series(1, 2000) n")
		}
		execute(s.T, bulk, "rollback")
	}},
	{name: "truncate at slot start", late: promptly, only: "truncate", happen: func(s *scene) {
		for range 5 {
			s.anew(s.killSenders)
		}
	}},
	{name: "late synchronous standby", late: promptly, before: func(s *scene) { waitForLateStandby(s.T, s.server) }, happen: func(s *scene) {
		s.turns(20)
		s.anew(s.killSenders)
	}},
}

// Whatever happens to the feed, no read at the level strict is stale, none at tracked for longer than it takes to notice, no
// query fails that would not have failed without the cache, and hits come back by themselves.
func TestFeedFaults(t *testing.T) {
	if feed != "wal" {
		t.Skip("these happen to a feed from the WAL")
	}
	server := pgtest.OwnWith(t, testenv.Options{})
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) { f.play(t, server) })
	}
}

func (f *fault) play(t *testing.T, server *testenv.Server) {
	name, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{T: t, server: server, direct: server.DSN(name)}
	prepare(t, s.direct)
	s.control = connect(t, s.direct)
	if f.before != nil {
		f.before(s)
	}
	var far string
	s.network, far = newProxy(t, s.direct)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i, name := range []string{"strict", "tracked"} {
		s.levels = append(s.levels, openLevel(t, far, name, seed+uint64(i)))
	}
	s.writers = startWriters(s.direct+f.writerParams, 50, f.only, seed)
	t.Cleanup(s.end)
	s.hits()
	f.happen(s)
	s.hits()
	f.judge(s)
}

// openLevel opens a database at a level, waits for its feed, and begins to read.
func openLevel(t *testing.T, dsn, name string, seed uint64) *level {
	t.Helper()
	connector, err := driver.NewConnector(through(dsn, name))
	if err != nil {
		t.Fatal(err)
	}
	l := &level{name: name, db: sql.OpenDB(connector), connector: connector}
	t.Cleanup(func() { l.db.Close() })
	if err := awaitFeed(t.Context(), l.db, connector); err != nil {
		t.Fatal(err)
	}
	l.readers = startReaders(l.db, connector, 2, seed, 0)
	return l
}

// end stops what is still running when a scene breaks off.
func (s *scene) end() {
	if !s.Failed() {
		return
	}
	s.network.silence(false)
	for _, l := range s.levels {
		l.readers.stop()
		s.Logf("%s: %+v", l.name, l.connector.Stats())
	}
	s.writers.stop(s.T)
}

// judge ends the scene and looks at all that was read.
func (f *fault) judge(s *scene) {
	reads := make([][]read, len(s.levels))
	for i, l := range s.levels {
		var r report
		reads[i], r = l.readers.stop()
		s.Logf("%s: %+v", l.name, r)
		if r.Errors > 0 && !f.breaks {
			s.Errorf("%s: %d queries failed, the first with: %s", l.name, r.Errors, r.FirstError)
		}
	}
	h := historyOf(append(s.writers.stop(s.T), s.writes...))
	for i, l := range s.levels {
		found := h.check(reads[i])
		if l.name == "tracked" {
			worst := time.Duration(0)
			for _, v := range found {
				worst = max(worst, time.Duration(v.age))
			}
			s.Logf("tracked: %d stale reads of %d, %v at most", len(found), len(reads[i]), worst)
			found = slices.DeleteFunc(found, func(v violation) bool { return v.within(f.late) })
		}
		if len(found) > 0 {
			s.Errorf("at the level %s:", l.name)
		}
		tell(s.T, found, len(reads[i]))
	}
}

// within tells whether it is no worse than to be late.
func (v *violation) within(late time.Duration) bool {
	return v.late || v.age > 0 && v.age < int64(late)
}

// hits waits until each level has answered from memory some times more.
func (s *scene) hits() {
	s.Helper()
	for _, l := range s.levels {
		enough := l.connector.Stats().Hits + 100
		s.eventually("hits at the level "+l.name, func() bool { return l.connector.Stats().Hits > enough })
	}
}

// turns waits until the writers have taken some turns.
func (s *scene) turns(n int64) {
	s.Helper()
	enough := s.writers.count.Load() + n
	s.eventually(fmt.Sprintf("%d turns of the writers", n), func() bool { return s.writers.count.Load() > enough })
}

func (s *scene) eventually(what string, holds func() bool) {
	s.Helper()
	eventually(s.T, what, holds)
}

// anew lets something happen to the feeds, and waits until each has begun anew.
func (s *scene) anew(happen func()) {
	s.Helper()
	before := s.slots()
	happen()
	s.eventually("new slots", func() bool {
		after := s.slots()
		return len(after) == len(s.levels) && !slices.ContainsFunc(after, func(slot string) bool { return slices.Contains(before, slot) })
	})
}

// slots are the replication slots of the feeds in this database.
func (s *scene) slots() []string {
	s.Helper()
	list := ask[string](s.T, s.control, "select coalesce(string_agg(slot_name, ' '), '') from pg_replication_slots where database = current_database() and active")
	return strings.Fields(list)
}

// define gives the view another definition.
func (s *scene) define(version int64) {
	s.Helper()
	w := write{Register: anew, Version: version, Begin: now(), Kind: "create or replace view"}
	execute(s.T, s.control, fmt.Sprintf("create or replace view anew as select %d as id, %d::bigint as version from still", anew, version))
	w.End = now()
	s.writes = append(s.writes, w)
}

func (s *scene) killSenders() {
	execute(s.T, s.control, "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active")
}

// killControl kills what the feeds ask their questions on.
func (s *scene) killControl() {
	execute(s.T, s.control, `select pg_terminate_backend(pid) from pg_stat_activity
		where application_name like 'pgcache%' and backend_type = 'client backend' and datname = current_database()`)
}

func (s *scene) restart(how testenv.Shutdown) {
	if err := s.server.Stop(s.Context(), how); err != nil {
		s.Fatal(err)
	}
	if err := s.server.Start(s.Context()); err != nil {
		s.Fatal(err)
	}
	_ = s.control.Close(context.Background())
	s.control = connect(s.T, s.direct)
}
