package linear_test

import (
	"cmp"
	"database/sql"
	"math/rand/v2"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// feed is the feed under test: PGCACHE_LINEAR_FEED, or wal.
var feed = cmp.Or(os.Getenv("PGCACHE_LINEAR_FEED"), "wal")

// through gives the connection string of a database through a cache at a level.
func through(dsn, level string) string { return throughFeed(dsn, feed, level) }

// throughFeed is through, with a feed of a kind.
func throughFeed(dsn, feed, level string) string {
	params := url.Values{"pgcache_rule": {"all: * ttl=1h"}, "pgcache_feed": {feed}, "pgcache_consistency": {level}}
	return dsn + "&" + params.Encode()
}

// prepare makes the registers, and what the feed needs to follow them.
func prepare(t *testing.T, dsn string) {
	t.Helper()
	prepareFor(t, dsn, feed)
}

// prepareFor is prepare for a feed of a kind.
func prepareFor(t *testing.T, dsn, feed string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), schema); err != nil {
		t.Fatal(err)
	}
	installFor(t, dsn, feed)
}

// install has pgcache install what the feed needs for all tables that there are.
func install(t *testing.T, dsn string) {
	t.Helper()
	installFor(t, dsn, feed)
}

func installFor(t *testing.T, dsn, feed string) {
	t.Helper()
	db, err := sql.Open("pgcache", throughFeed(dsn, feed, "ttl"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "call pgcache.install()"); err != nil {
		t.Fatal(err)
	}
}

// stress is a run of writers in this process beside readers in others.
type stress struct {
	dsn       string
	program   string // the readers'
	perSecond int    // turns of the writers
	// It takes so long at least, and so many reads of each reader.
	long  time.Duration
	reads int64
	// fleet gives each process more parameters; nil when each is alone. feed is another feed than the one under test, if it is set.
	fleet func(process int) url.Values
	feed  string
}

const (
	processes  = 3
	goroutines = 8 // of each
)

// reader is the connection string of a process that reads.
func (s *stress) reader(process int) string {
	dsn := throughFeed(s.dsn, cmp.Or(s.feed, feed), "strict")
	if s.fleet != nil {
		dsn += "&" + s.fleet(process).Encode()
	}
	return dsn
}

// run gives what was written, what was read, and what the readers say.
func (s *stress) run(t *testing.T) (history, []read, report) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var list []*process
	for i := range processes {
		task := task{DSN: s.reader(i), Goroutines: goroutines, Seed: seed + uint64(i), Enough: s.reads}
		list = append(list, startProcess(t, s.program, task))
	}
	ws := startWriters(s.dsn, s.perSecond, "", seed)
	began := time.Now()
	for _, p := range list {
		p.await(t, "enough")
	}
	<-time.After(s.long - time.Since(began))
	var total report
	var reads []read
	for _, p := range list {
		some, r := p.stop(t)
		reads = append(reads, some...)
		total.add(r)
	}
	writes := ws.stop(t)
	t.Logf("%.1f s, %d turns of writers, %d writes, %d observations; %+v, %.1f %% hits", time.Since(began).Seconds(), ws.count.Load(),
		len(writes), len(reads), total, 100*total.hitRatio())
	if total.Errors > 0 {
		t.Errorf("%d reads failed, the first with: %s", total.Errors, total.FirstError)
	}
	return historyOf(writes), reads, total
}

// tell prints the first violations.
func tell(t *testing.T, found []violation, reads int) {
	t.Helper()
	for i, v := range found {
		if i == 10 {
			break
		}
		t.Error(v)
	}
	if len(found) > 0 {
		t.Errorf("%d of %d observations are not linearizable", len(found), reads)
	}
}

// Whatever anybody writes, reads at the level strict are as if there were no cache.
func TestLinearizability(t *testing.T) {
	if !clockIsShared {
		t.Skip("no clock is known that processes share")
	}
	dsn := pgtest.Database(t)
	prepare(t, dsn)
	s := stress{dsn: dsn, program: os.Args[0], perSecond: 100, long: 5 * time.Second}
	h, reads, total := s.run(t)
	tell(t, h.check(reads), len(reads))
	crossCheck(t, h, reads, 1000)
	if total.Hits < 5000 {
		t.Errorf("only %d hits", total.Hits)
	}
}
