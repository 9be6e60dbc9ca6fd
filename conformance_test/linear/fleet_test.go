package linear_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// fleets are the ways in which processes share a cache and a feed.
var fleets = []struct {
	name, feed string
	params     func(t *testing.T) func(process int) url.Values
}{
	{"redis", "wal", onRedis},
	{"redis, relayed", "relay", onRedis},
	{"peers", "wal", amongPeers},
	{"peers, relayed", "relay", amongPeers},
	{"relayed by notifications", "relay", alone},
}

// onRedis has the processes share a Redis of the test's own.
func onRedis(t *testing.T) func(int) url.Values {
	t.Helper()
	redis := pgtest.OwnRedis(t)
	params := url.Values{"pgcache_store": {"redis"}, "pgcache_redis": {redis.URL()}, "pgcache_timeout": {"1s"}}
	return func(int) url.Values { return params }
}

// amongPeers has the processes ask each other.
func amongPeers(t *testing.T) func(int) url.Values {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("a secret among peers", 3)), 0o600); err != nil {
		t.Fatal(err)
	}
	var urls []string
	for range processes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // all at once, so that no two are the same
		urls = append(urls, "http://"+l.Addr().String())
	}
	return func(process int) url.Values {
		return url.Values{
			"pgcache_store": {"peer"}, "pgcache_peers": {strings.Join(urls, ",")}, "pgcache_peer_self": {urls[process]},
			"pgcache_peer_secret_file": {secret}, "pgcache_timeout": {"1s"},
		}
	}
}

// alone has them share nothing but the feed.
func alone(*testing.T) func(int) url.Values { return func(int) url.Values { return url.Values{} } }

// TestLinearizability holds for processes that share entries, and a feed.
func TestFleetLinearizability(t *testing.T) {
	if !clockIsShared || feed != "wal" {
		t.Skip("needs a clock that processes share, and a feed that fleets can have")
	}
	for _, fleet := range fleets {
		t.Run(fleet.name, func(t *testing.T) {
			s := stress{dsn: pgtest.Database(t), program: os.Args[0], perSecond: 50, long: 2 * time.Second, fleet: fleet.params(t), feed: fleet.feed}
			prepare(t, s.dsn)
			playFleet(t, &s)
		})
	}
}

func playFleet(t *testing.T, s *stress) {
	t.Helper()
	h, reads, total := s.run(t)
	tell(t, h.check(reads), len(reads))
	if total.Hits < 300 {
		t.Errorf("only %d hits", total.Hits)
	}
}

// Without a feed, processes that share a Redis read what any of them was told is written, whichever of them wrote it.
func TestFleetReadsEachOthersWrites(t *testing.T) { readEachOthersWrites(t, 2000) }

func readEachOthersWrites(t *testing.T, pairs int64) {
	t.Helper()
	if feed != "wal" {
		t.Skip("no feed is needed")
	}
	dsn := pgtest.Database(t)
	conn := connect(t, dsn)
	execute(t, conn, "create table plain (id int primary key, version bigint not null)")
	execute(t, conn, "insert into plain select id, 0 from generate_series(0, $1 - 1) id", ownRows)
	params := onRedis(t)(0)
	var parties []*sql.DB
	for range processes {
		db, err := sql.Open("pgcache", throughFeed(dsn, "none", "ttl")+"&"+params.Encode())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		parties = append(parties, db)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := &fleetOwners{parties: parties, enough: pairs}
	var running sync.WaitGroup
	for i := range ownGoroutines {
		running.Go(func() { f.work(t, i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	running.Wait()
	t.Logf("%d pairs, %d stale", pairs, f.stale.Load())
	if n := f.stale.Load(); n > 0 {
		t.Errorf("%d reads did not see what some process had written", n)
	}
}

// fleetOwners are owners of rows whose writes and reads each go through any of the processes.
type fleetOwners struct {
	parties      []*sql.DB
	told         [ownRows]atomic.Int64
	pairs, stale atomic.Int64
	enough       int64
}

func (f *fleetOwners) any(dice *rand.Rand) *sql.DB { return f.parties[dice.IntN(len(f.parties))] }

// work writes rows of its own through one process, and reads them and others' through another.
func (f *fleetOwners) work(t *testing.T, number int, dice *rand.Rand) {
	for f.pairs.Add(1) <= f.enough {
		id := dice.IntN(ownRows/ownGoroutines)*ownGoroutines + number
		o := owners{db: f.any(dice)}
		version := f.told[id].Load() + 1
		err := o.write(t.Context(), dice.IntN(4), id, version)
		if err == nil {
			f.told[id].Store(version)
		}
		for _, row := range []int{id, dice.IntN(ownRows)} {
			least := f.told[row].Load()
			got, failed := plain(t.Context(), f.any(dice), row)
			if err = cmp.Or(err, failed); err == nil && got < least {
				f.stale.Add(1)
			}
		}
		if err != nil {
			t.Error(fmt.Errorf("pair %d: %w", f.pairs.Load(), err))
			return
		}
	}
}
