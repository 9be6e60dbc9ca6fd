package linear_test

import (
	"cmp"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// promptly is how long a change may stay unseen when nothing holds up the feed but a busy machine: as long as docs/consistency.md says.
// A fault that the operating system tells us of is noticed as soon.
const promptly = 7 * time.Second

// silently is how long it may when nobody tells of the fault: a feed that has not told all of five seconds ago is lost, which is
// looked at once a second, and a second may go by until its connections are let go: that is the promise again.
const silently = promptly + 3*time.Second

const asynchronous = "&options=-csynchronous_commit%3Doff"

// walFaults happen to a feed from the WAL.
var walFaults = []fault{
	{name: "walsender killed", late: promptly, happen: func(s *scene) { s.anew(s.killSenders) }},
	{name: "control connections killed", late: promptly, happen: func(s *scene) { s.anew(s.killControl) }},
	{name: "connections broken", late: promptly, breaks: true, happen: func(s *scene) { s.anew(s.network.breakAll) }},
	{name: "network silent", late: silently, breaks: true, happen: func(s *scene) {
		s.anew(func() {
			s.network.silence(true)
			s.eventually("both feeds lost", func() bool { return len(s.streams()) == 0 })
			s.network.silence(false)
		})
	}},
	{name: "replication held up for ten seconds", late: silently, happen: holdUp},
	{name: "replication too slow", late: silently, happen: func(s *scene) {
		s.anew(func() { s.network.slowDown(true) })
		s.network.slowDown(false)
	}},
	{
		name: "max_slot_wal_keep_size passed", late: silently, own: true, happen: outgrow,
		settings: map[string]string{"max_slot_wal_keep_size": "1MB"},
	},
	{name: "slot dropped", late: promptly, happen: func(s *scene) {
		s.anew(func() {
			slots := s.streams()
			s.killSenders()
			for _, slot := range slots {
				_, _ = s.control.Exec(s.Context(), "select pg_drop_replication_slot($1)", slot) // the server may have been quicker
			}
		})
	}},
	{name: "server restarted", late: promptly, breaks: true, own: true, happen: func(s *scene) { s.anew(func() { s.restart(testenv.Fast) }) }},
	{name: "server restarted at once", late: promptly, breaks: true, own: true, happen: func(s *scene) { s.anew(func() { s.restart(testenv.Immediate) }) }},
	{name: "publication dropped", late: promptly, happen: func(s *scene) {
		s.anew(func() {
			execute(s.T, s.control, "drop publication pgcache")
			s.seconds(0.4)
			s.install()
		})
	}},
	{name: "table dropped from the publication", late: promptly, happen: func(s *scene) {
		execute(s.T, s.control, "alter publication pgcache drop table cell, board")
		s.seconds(0.6)
		execute(s.T, s.control, "alter publication pgcache add table cell, board")
		s.seconds(0.4)
	}},
	{name: "view made anew", late: promptly, happen: makeViewAnew},
	{name: "asynchronous commits", late: promptly, writerParams: asynchronous, happen: func(s *scene) { s.seconds(2) }},
	{name: "bulk writer that never commits", late: promptly, happen: writeInBulk},
	{name: "truncate at slot start", late: promptly, only: "truncate", happen: func(s *scene) {
		for range 5 {
			s.anew(s.killSenders)
		}
	}},
	{
		name: "late synchronous standby", late: promptly, own: true, before: func(s *scene) { waitForLateStandby(s.T, s.server) },
		happen: func(s *scene) {
			s.seconds(0.4)
			s.anew(s.killSenders)
		},
	},
}

// touchFaults happen to a feed from the touch log.
var touchFaults = []fault{
	{name: "connections killed", late: promptly, happen: func(s *scene) { s.anew(s.killReaders) }},
	{name: "connections broken", late: promptly, breaks: true, happen: func(s *scene) { s.anew(s.network.breakAll) }},
	{name: "network silent", late: silently, breaks: true, happen: func(s *scene) {
		s.anew(func() {
			s.network.silence(true)
			s.seconds(8)
			s.network.silence(false)
		})
	}},
	{name: "log held up for ten seconds", late: silently, happen: holdUp},
	{name: "server restarted", late: promptly, breaks: true, own: true, happen: func(s *scene) { s.anew(func() { s.restart(testenv.Fast) }) }},
	// The log is UNLOGGED: it is empty then, which must not look like nothing to tell.
	{name: "server restarted at once", late: promptly, breaks: true, own: true, happen: func(s *scene) { s.anew(func() { s.restart(testenv.Immediate) }) }},
	// What asks for strict by name fails meanwhile, as the documentation says.
	{name: "uninstalled and installed again", late: promptly, breaks: true, happen: func(s *scene) {
		s.anew(func() {
			s.call("call pgcache.uninstall()", s.levels[0])
			s.seconds(0.4)
			s.install()
		})
	}},
	{name: "triggers dropped and made again", late: promptly, happen: func(s *scene) {
		execute(s.T, s.control, "drop trigger pgcache_touch on cell")
		execute(s.T, s.control, "drop trigger pgcache_touch on board")
		s.seconds(0.6)
		s.install()
		s.seconds(0.4)
	}},
	{name: "view made anew", late: promptly, happen: makeViewAnew},
	{name: "asynchronous commits", late: promptly, writerParams: asynchronous, happen: func(s *scene) { s.seconds(2) }},
	{name: "bulk writer that never commits", late: promptly, happen: writeInBulk},
	{name: "truncate beside new connections", late: promptly, only: "truncate", happen: func(s *scene) {
		for range 5 {
			s.anew(s.killReaders)
		}
	}},
	{
		// Triggers don't fire for them, unless they are made to, as ours are: the scene's own has to be as well.
		name: "writers that replicate", late: promptly, writerParams: "&options=-csession_replication_role%3Dreplica", only: "update",
		before: func(s *scene) { execute(s.T, s.control, "alter table cell enable always trigger spread") },
		happen: func(s *scene) { s.seconds(2) },
	},
	{
		name: "late synchronous standby", late: promptly, own: true, before: func(s *scene) { waitForLateStandby(s.T, s.server) },
		happen: func(s *scene) {
			s.seconds(0.4)
			s.anew(s.killReaders)
		},
	},
}

// Whatever happens to the feed, no read at the level strict is stale, none at tracked for longer than it takes to notice, no
// query fails that would not have failed without the cache, and hits come back by themselves.
//
// Most of a scene is waiting, so as many scenes as there are processors play at once.
func TestFeedFaults(t *testing.T) {
	server := pgtest.OwnWith(t, testenv.Options{})
	for _, kind := range []struct {
		feed   string
		faults []fault
	}{{"wal", walFaults}, {"touch", touchFaults}} {
		if kind.feed != cmp.Or(os.Getenv("PGCACHE_LINEAR_FEED"), kind.feed) {
			continue
		}
		for _, f := range kind.faults {
			f.feed = kind.feed
			t.Run(f.feed+": "+f.name, func(t *testing.T) {
				t.Parallel()
				f.play(t, server)
			})
		}
	}
}

// holdUp holds up what the feeds follow for ten seconds or so, while they can ask the server whatever they like.
func holdUp(s *scene) {
	s.anew(func() {
		s.network.holdFeeds(true)
		s.seconds(10)
		s.network.holdFeeds(false)
	})
}

// outgrow has the server write more WAL than it keeps for a slot, while the feeds can't hear of any.
func outgrow(s *scene) {
	s.anew(func() {
		s.network.holdFeeds(true)
		s.eventually("slots given up", func() bool {
			execute(s.T, s.control, "select pg_switch_wal()")
			execute(s.T, s.control, "checkpoint")
			return len(s.streams()) == 0
		})
		if !s.log.says("to release replication slot") {
			s.Error("the server has ended the replication for another reason")
		}
		s.network.holdFeeds(false)
	})
}

func makeViewAnew(s *scene) {
	for version := range int64(s.pace()) / 2 {
		s.define(version + 1)
		s.turns(1)
	}
}

// writeInBulk fills a table that is followed, as fast as can be, and takes it all back.
func writeInBulk(s *scene) {
	bulk := connect(s.T, s.direct)
	execute(s.T, bulk, "create table bulk (n serial primary key, filler text)")
	s.install()
	execute(s.T, bulk, "begin")
	for enough := s.writers.count.Load() + int64(2*s.pace()); s.writers.count.Load() < enough; {
		execute(s.T, bulk, "insert into bulk (filler) select repeat('x', 200) from generate_series(1, 2000) n")
	}
	execute(s.T, bulk, "rollback")
}

func (s *scene) killSenders() {
	execute(s.T, s.control, "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active")
}

// killControl kills what the feeds ask their questions on.
func (s *scene) killControl() {
	execute(s.T, s.control, `select pg_terminate_backend(pid) from pg_stat_activity
		where application_name like 'pgcache%' and backend_type = 'client backend' and datname = current_database()`)
}

// killReaders kills what reads the touch log.
func (s *scene) killReaders() {
	execute(s.T, s.control, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "+readsLog)
}

// install installs what is missing through each level: whoever does has the feed look at once.
func (s *scene) install() {
	s.Helper()
	s.call("call pgcache.install()", s.levels...)
}

func (s *scene) call(procedure string, levels ...*level) {
	s.Helper()
	for _, l := range levels {
		if _, err := l.db.ExecContext(s.Context(), procedure); err != nil {
			s.Fatal(err)
		}
	}
}

// serverLog is what a server has said.
type serverLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *serverLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *serverLog) says(words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), words)
}
