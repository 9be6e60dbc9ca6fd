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

	feed    string // the kind
	server  *testenv.Server
	direct  string // the connection string past the network
	network *proxy
	control *pgx.Conn  // past the network too
	log     *serverLog // of a server of its own
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
	// feed is the kind of feed.
	feed string
	// own is set when the server can't be shared with other scenes; settings are its settings.
	own      bool
	settings map[string]string
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

func (f *fault) play(t *testing.T, server *testenv.Server) {
	s := &scene{T: t, feed: f.feed, server: server}
	if f.own {
		s.log = new(serverLog)
		s.server = pgtest.OwnWith(t, testenv.Options{Settings: f.settings, Log: s.log})
	}
	name, err := s.server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.direct = s.server.DSN(name)
	prepareFor(t, s.direct, f.feed)
	s.control = connect(t, s.direct)
	if f.before != nil {
		f.before(s)
	}
	var far string
	s.network, far = newProxy(t, s.direct)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i, name := range []string{"strict", "tracked"} {
		s.levels = append(s.levels, openLevel(t, throughFeed(far, f.feed, name), name, seed+uint64(i)))
	}
	s.writers = startWriters(s.direct+f.writerParams, s.pace(), f.only, seed)
	t.Cleanup(s.end)
	s.hits()
	f.happen(s)
	s.hits()
	f.judge(s)
}

// openLevel opens a database at a level, waits for its feed, and begins to read.
func openLevel(t *testing.T, dsn, name string, seed uint64) *level {
	t.Helper()
	connector, err := driver.NewConnector(dsn)
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
	s.network.mend()
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
		enough := l.connector.Stats().Hits + int64(2*s.pace())
		s.eventually("hits at the level "+l.name, func() bool { return l.connector.Stats().Hits > enough })
	}
}

// turns waits until the writers have taken some turns.
func (s *scene) turns(n int64) {
	s.Helper()
	enough := s.writers.count.Load() + n
	s.eventually(fmt.Sprintf("%d turns of the writers", n), func() bool { return s.writers.count.Load() > enough })
}

// seconds waits until the writers have taken the turns that they take in so many seconds.
func (s *scene) seconds(n float64) {
	s.Helper()
	s.turns(int64(n * float64(s.pace())))
}

// pace is how many turns the writers take in a second. The touch log doesn't tell rows apart, so that each write makes most of
// what is cached stale: with many nothing would be answered from memory.
func (s *scene) pace() int {
	if s.feed == "touch" {
		return 10
	}
	return 50
}

func (s *scene) eventually(what string, holds func() bool) {
	s.Helper()
	eventually(s.T, what, holds)
}

// anew lets something happen to the feeds, and waits until each has begun anew.
func (s *scene) anew(happen func()) {
	s.Helper()
	before := s.streams()
	happen()
	s.eventually("new streams", func() bool {
		after := s.streams()
		return len(after) == len(s.levels) && !slices.ContainsFunc(after, func(one string) bool { return slices.Contains(before, one) })
	})
}

// streams are what the feeds in this database follow: replication slots, or connections that read the touch log.
func (s *scene) streams() []string {
	s.Helper()
	list := "select coalesce(string_agg(slot_name, ' '), '') from pg_replication_slots where database = current_database() and active"
	if s.feed == "touch" {
		list = "select coalesce(string_agg(pid::text, ' '), '') from pg_stat_activity where datname = current_database() and " + readsLog
	}
	return strings.Fields(ask[string](s.T, s.control, list))
}

const readsLog = "application_name = 'pgcache touch log'"

// define gives the view another definition.
func (s *scene) define(version int64) {
	s.Helper()
	w := write{Register: anew, Version: version, Begin: now(), Kind: "create or replace view"}
	execute(s.T, s.control, fmt.Sprintf("create or replace view anew as select %d as id, %d::bigint as version from still", anew, version))
	w.End = now()
	s.writes = append(s.writes, w)
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
