package driver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/redis"
	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// party is one process of a fleet: a database with a cache of its own.
type party struct {
	*sql.DB
	connector *Connector
}

// newFleet makes a fixture and further processes beside it, which share what the parameters name.
func newFleet(t *testing.T, size int, params ...string) (*fixture, []party) {
	t.Helper()
	f := newFixture(t)
	parties := make([]party, size)
	for i := range parties {
		parties[i].DB, parties[i].connector = f.open(params...)
	}
	f.DB, f.connector = parties[0].DB, parties[0].connector
	return f, parties
}

// onRedis are the parameters of a fleet on a Redis of the test's own.
func onRedis(t *testing.T, more ...string) (*testenv.Redis, []string) {
	t.Helper()
	r := pgtest.OwnRedis(t)
	return r, append([]string{"rule=all: * ttl=1h", "store=redis", "redis=" + r.URL(), "timeout=1s"}, more...)
}

const sumOfBranch = "select branch, sum(balance) from accounts where branch = $1 group by branch"

// What one process has made the others have too, without a feed and with one.
func TestFleetSharesEntries(t *testing.T) {
	for _, feed := range []string{"none", "wal", "relay"} {
		t.Run(feed, func(t *testing.T) {
			_, params := onRedis(t, "feed="+feed)
			f, parties := newFleet(t, 3, params...)
			if feed != "none" {
				f.allFollow(parties)
				f.kept(sumOfBranch, 1)
			}
			f.want(sumOfBranch, 1)
			f.eventually("the entry in Redis", func() bool { return f.connector.cache.shared.idle() })
			asked := f.queries.Load()
			for _, p := range parties[1:] {
				before := p.connector.Stats().SharedHits
				if got, want := f.read(p.DB, sumOfBranch, 1), f.read(f.plain, sumOfBranch, 1); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if s := p.connector.Stats(); s.SharedHits != before+1 {
					t.Errorf("shared hits %d, want %d: %+v", s.SharedHits, before+1, s)
				}
			}
			if n := f.read(f.plain, "select count(*) from pg_replication_slots where database = current_database()"); feed == "relay" && n != "1" {
				t.Errorf("%s replication slots", n)
			}
			if n := f.queries.Load() - asked; n != 0 {
				t.Errorf("PostgreSQL was asked %d times more", n)
			}
		})
	}
}

// idle tells whether nothing is on its way into the store.
func (s *shared) idle() bool { return len(s.putting) == 0 }

// allFollow waits until each process follows the feed.
func (f *fixture) allFollow(parties []party) {
	f.t.Helper()
	for _, p := range parties {
		f.read(p.DB, "select 1 from accounts where id = 0")
		f.eventually("a feed", func() bool { return p.connector.Stats().Feed != "none" })
	}
}

// Without a feed, what any process has written through the driver every process reads at once.
func TestFleetReadsEachOthersWrites(t *testing.T) {
	_, params := onRedis(t, "feed=none")
	f, parties := newFleet(t, 3, params...)
	hits := int64(0)
	for i := range 300 {
		writer, reader := parties[i%3], parties[(i/3)%3]
		f.exec(writer, "update accounts set balance = $1 where id = 1", i+1)
		for range 3 {
			if got := f.read(reader.DB, balanceOf, 1); got != fmt.Sprint(i+1) {
				t.Fatalf("read %s after %d was written", got, i+1)
			}
		}
	}
	for _, p := range parties {
		hits += p.connector.Stats().Hits
	}
	if hits < 300 {
		t.Errorf("%d hits only", hits)
	}
}

// A transaction's writes make stale what others keep before it commits, and nothing is kept until it has ended.
func TestFleetTransactions(t *testing.T) {
	_, params := onRedis(t, "feed=none")
	f, parties := newFleet(t, 2, params...)
	f.read(parties[1].DB, balanceOf, 1)
	tx, err := parties[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.exec(tx, "update accounts set balance = 7 where id = 1")
	for range 3 {
		if got := f.read(parties[1].DB, balanceOf, 1); got != "0" {
			t.Errorf("read %s before the commit", got)
		}
	}
	if s := parties[1].connector.Stats(); s.Hits != 0 {
		t.Errorf("hits while a write was under way: %+v", s)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := f.read(parties[1].DB, balanceOf, 1); got != "7" {
			t.Errorf("read %s after the commit", got)
		}
	}
	if s := parties[1].connector.Stats(); s.Hits == 0 {
		t.Errorf("no hits after the commit: %+v", s)
	}
}

// A write whose process died before it could say that it has ended keeps its table uncached only until its session is gone.
func TestFleetBuriesDeadWriters(t *testing.T) {
	_, params := onRedis(t, "feed=none")
	f, parties := newFleet(t, 2, params...)
	f.read(parties[0].DB, balanceOf, 1)
	tags := []uint64{f.tableTag("accounts")}
	s := parties[0].connector.cache.shared
	if err := s.store.Begin(t.Context(), writerName(1<<30), tags, false); err != nil {
		t.Fatal(err)
	}
	f.eventually("a hit", func() bool {
		before := parties[1].connector.Stats().Hits
		f.read(parties[1].DB, balanceOf, 1)
		return parties[1].connector.Stats().Hits > before
	})
}

// 3 processes, 100 goroutines each, one cold key, a heavy query: PostgreSQL runs it once.
func TestFleetFillsOnce(t *testing.T) {
	for _, feed := range []string{"none", "wal", "relay"} {
		t.Run(feed, func(t *testing.T) {
			_, params := onRedis(t, "feed="+feed, "rule=all: * ttl=1h lock=1m")
			f, parties := newFleet(t, 3, params[1:]...)
			if feed != "none" {
				f.allFollow(parties)
			}
			for _, p := range parties {
				p.SetMaxOpenConns(100)
				f.read(p.DB, "select count(*) from accounts where id = 0")
			}
			f.queries.Store(0)
			f.stampede(parties, 100)
			if n := f.queries.Load(); n != 1 {
				t.Errorf("PostgreSQL ran the query %d times", n)
			}
		})
	}
}

// When the process that fills takes longer than lock=, each other process asks PostgreSQL once, not each of its callers.
func TestFleetWaitsInVainOnce(t *testing.T) {
	const callers, lock = 30, 3 * time.Second
	_, params := onRedis(t, "feed=none", "rule=all: * ttl=1h lock="+lock.String())
	f, parties := newFleet(t, 2, params[1:]...)
	for _, p := range parties {
		p.SetMaxOpenConns(callers)
		f.read(p.DB, "select count(*) from accounts where id = 0")
	}
	unlock := f.lock("accounts")
	answers := []<-chan result{f.ask(t.Context(), sumOfAll)}
	f.waitForLockWaiters(1)
	f.DB, f.connector = parties[1].DB, parties[1].connector
	for range callers {
		answers = append(answers, f.ask(t.Context(), sumOfAll))
	}
	f.eventually("everybody waits", func() bool { return f.waiting() == callers-1 })
	passed := time.After(lock) // for all of them
	f.waitForLockWaiters(2)
	<-passed
	f.queries.Store(0)
	unlock()
	for _, a := range answers {
		if r := <-a; r.err != nil || r.text != "1000 500500" {
			t.Fatalf("%q, %v", r.text, r.err)
		}
	}
	if s := f.connector.Stats(); s.Coalesced != callers-1 || f.queries.Load() != 0 {
		t.Errorf("%d queries more; %+v", f.queries.Load(), s)
	}
}

// stampede has goroutines of each process ask the same heavy question at once.
func (f *fixture) stampede(parties []party, each int) {
	f.t.Helper()
	const heavy = "select sum(a.balance + b.id) from accounts a, (select id from accounts) b where a.branch >= $1"
	want := f.read(f.plain, strings.ReplaceAll(heavy, "$1", "0"))
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, p := range parties {
		for range each {
			wg.Go(func() {
				<-start
				got, err := readAll(f.t.Context(), p.DB, heavy, 0)
				if err != nil || got != want {
					f.t.Errorf("got %q, error %v; want %q", got, err, want)
				}
			})
		}
	}
	close(start)
	wg.Wait()
}

// Whatever becomes of Redis, each query is answered, rightly, and hardly later than without.
func TestRedisFaults(t *testing.T) {
	for _, fault := range []struct {
		name   string
		happen func(t *testing.T, r *testenv.Redis)
		mend   func(t *testing.T, r *testenv.Redis)
	}{
		{"stopped", stopRedis, startRedis},
		{"frozen", pauseRedis, continueRedis},
		{"emptied", func(t *testing.T, r *testenv.Redis) { redisSays(t, r, "FLUSHALL") }, nil},
		{
			"full", func(t *testing.T, r *testenv.Redis) { redisSays(t, r, "CONFIG", "SET", "maxmemory", "1") },
			func(t *testing.T, r *testenv.Redis) { redisSays(t, r, "CONFIG", "SET", "maxmemory", "0") },
		},
	} {
		for _, feed := range []string{"none", "wal"} {
			t.Run(fault.name+"/"+feed, func(t *testing.T) {
				r, params := onRedis(t, "feed="+feed)
				params[3] = "timeout=50ms"
				f, parties := newFleet(t, 2, params...)
				if feed == "wal" {
					f.allFollow(parties)
				}
				load := f.startLoad(parties)
				load.turns(60)
				fault.happen(t, r)
				load.turns(60)
				if fault.mend != nil {
					fault.mend(t, r)
				}
				load.turns(60)
				load.end()
				f.eventually("shared hits again", func() bool {
					key := 1001 + time.Now().UnixNano()%1_000_000 // one that is in nobody's memory; there is no such account
					f.read(parties[0].DB, balanceOf, key)
					before := parties[1].connector.Stats().SharedHits
					f.read(parties[1].DB, balanceOf, key)
					return parties[1].connector.Stats().SharedHits > before
				})
			})
		}
	}
}

// onFrozenRedis runs a test, without a feed and with one, while the Redis that is shared doesn't answer.
func onFrozenRedis(t *testing.T, test func(t *testing.T, f *fixture)) {
	for _, feed := range []string{"none", "wal"} {
		t.Run(feed, func(t *testing.T) {
			r, params := onRedis(t, "feed="+feed)
			params[3] = "timeout=50ms"
			f, parties := newFleet(t, 1, params...)
			if feed == "wal" {
				f.allFollow(parties)
			}
			f.eventually("an idle store", func() bool { return f.connector.cache.shared.idle() })
			pauseRedis(t, r)
			defer continueRedis(t, r)
			test(t, f)
		})
	}
}

// A Redis that doesn't answer holds up a query once, and not once for each thing that there would have been to ask of it.
func TestFrozenRedisHoldsUpAQueryOnce(t *testing.T) {
	onFrozenRedis(t, func(t *testing.T, f *fixture) {
		before := f.connector.Stats().StoreErrors
		f.want(sumOfBranch, 2)
		if n := f.connector.Stats().StoreErrors - before; n != 1 {
			t.Errorf("Redis failed %d times", n)
		}
	})
}

// load writes through one process and reads through all, one goroutine each, and checks that each reads what was written last
// through it at least: without a feed what anybody wrote, with one what the process itself did.
type load struct {
	f     *fixture
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup
	count atomic.Int64
}

func (f *fixture) startLoad(parties []party) *load {
	l := &load{f: f}
	l.ctx, l.stop = context.WithCancel(f.t.Context())
	f.t.Cleanup(l.end)
	for i, p := range parties {
		l.wg.Go(func() { l.run(i, p) })
	}
	return l
}

// run writes a row of the party's own and reads it back.
func (l *load) run(i int, p party) {
	for n := 1; l.ctx.Err() == nil; n++ {
		if _, err := p.ExecContext(l.ctx, "update accounts set balance = $1 where id = $2", n, i+1); err != nil && l.ctx.Err() == nil {
			l.f.t.Errorf("a write failed: %v", err)
			return
		}
		for range 3 {
			got, err := readAll(l.ctx, p.DB, balanceOf, i+1)
			switch {
			case l.ctx.Err() != nil:
				return
			case err != nil:
				l.f.t.Errorf("a query failed: %v", err)
				return
			case got != fmt.Sprint(n):
				l.f.t.Errorf("read %s after %d was written", got, n)
				return
			}
		}
		l.count.Add(1)
	}
}

func (l *load) turns(n int64) {
	enough := l.count.Load() + n
	l.f.eventually("turns of the load", func() bool { return l.count.Load() >= enough })
}

func (l *load) end() {
	l.stop()
	l.wg.Wait()
}

func stopRedis(t *testing.T, r *testenv.Redis) {
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func startRedis(t *testing.T, r *testenv.Redis) {
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func pauseRedis(t *testing.T, r *testenv.Redis) {
	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
}

func continueRedis(t *testing.T, r *testenv.Redis) {
	if err := r.Continue(); err != nil {
		t.Fatal(err)
	}
}

// Flush and invalidate reach every process that uses the ledger in Redis.
func TestFleetInvalidates(t *testing.T) {
	_, params := onRedis(t, "feed=none")
	f, parties := newFleet(t, 2, params...)
	for _, call := range []string{"call pgcache.invalidate('accounts')", "call pgcache.flush()"} {
		f.read(parties[1].DB, balanceOf, 1)
		f.exec(f.plain, "update accounts set balance = balance + 1 where id = 1")
		f.exec(parties[0], call)
		if got, want := f.read(parties[1].DB, balanceOf, 1), f.read(f.plain, balanceOf, 1); got != want {
			t.Errorf("after %s read %s, want %s", call, got, want)
		}
	}
}

// An invalidated answer is not served at any level, though no row has changed.
func TestInvalidateWhereAFeedJudges(t *testing.T) {
	f := newTracked(t, "wal")
	for _, query := range []string{balanceOf, sumOfBranch} {
		f.kept(query, 1)
		f.exec(f.DB, "call pgcache.invalidate('accounts')")
		f.isNoHit(query, 1)
		f.kept(query, 1)
	}
}

// A process that has only begun to ask for rows by a column does not believe what others made before.
func TestFleetRowsOfANewcomer(t *testing.T) {
	_, params := onRedis(t, "feed=wal")
	f, parties := newFleet(t, 2, params...)
	f.allFollow(parties)
	for id := range 50 {
		f.kept(balanceOf, id+1)
	}
	// The second process has been told of these changes by the table only.
	for id := range 50 {
		f.exec(f.plain, "update accounts set balance = 9 where id = $1", id+1)
	}
	f.eventually("both feeds are past the changes", func() bool {
		return f.read(parties[0].DB, "select sum(balance) from accounts where id <= 50") == "450" &&
			f.read(parties[1].DB, "select sum(balance) from accounts where id <= 50") == "450"
	})
	for id := range 50 {
		if got := f.read(parties[1].DB, balanceOf, id+1); got != "9" {
			t.Errorf("account %d: read %s", id+1, got)
		}
	}
}

// tableTag is the tag of a table.
func (f *fixture) tableTag(name string) uint64 {
	f.t.Helper()
	var oid uint32
	if err := f.plain.QueryRowContext(f.t.Context(), "select $1::regclass::oid", name).Scan(&oid); err != nil {
		f.t.Fatal(err)
	}
	return freshness.TableTag(oid)
}

// redisSays sends a command to a Redis server.
func redisSays(t *testing.T, r *testenv.Redis, command ...any) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: r.Addr(), Password: r.Password()})
	defer client.Close()
	if err := client.Do(t.Context(), command...).Err(); err != nil {
		t.Fatal(err)
	}
}

// A Redis that doesn't answer holds up a few queries, not all.
func TestFrozenRedisIsLeftAlone(t *testing.T) {
	onFrozenRedis(t, func(t *testing.T, f *fixture) {
		for i := range 8 {
			f.want(sumOfBranch, i)
		}
		if _, _, err := f.connector.cache.shared.store.Read(t.Context(), nil); !errors.Is(err, redis.ErrUnavailable) {
			t.Errorf("Redis is still asked: %v", err)
		}
	})
}

// Where a rule says lock=0 nobody waits for what another process makes, but what is there is shared.
func TestFleetWithoutLock(t *testing.T) {
	_, params := onRedis(t, "feed=none", "rule=all: * ttl=1h lock=0s")
	f, parties := newFleet(t, 2, params[1:]...)
	for id := range 20 {
		for _, p := range parties {
			if got, want := f.read(p.DB, balanceOf, id), f.read(f.plain, balanceOf, id); got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			f.eventually("the entry is in Redis", p.connector.cache.shared.idle)
		}
	}
	for i, p := range parties {
		if s := p.connector.Stats(); s.StoreErrors != 0 || s.SharedHits != int64(20*i) {
			t.Errorf("%+v", s)
		}
	}
}

// heldLease is one whose Put takes until it is let go.
type heldLease struct {
	cachestore.Lease
	put chan struct{}
}

func (l heldLease) Put(context.Context, *cachestore.Entry) error {
	<-l.put
	return nil
}

func (heldLease) Release() {}

// More results than may be on their way into the store at a time end all the same, and so does the cache.
func TestMorePermitsThanPlaces(t *testing.T) {
	c := newFixture(t).connector.cache
	s := &shared{cache: c, timeout: time.Minute, putting: make(chan struct{}, maxPutting)}
	lease := heldLease{put: make(chan struct{})}
	for range 2 * maxPutting {
		(&permit{s, lease}).keep(nil)
	}
	close(lease.put)
	c.background.wait()
	if n := len(s.putting); n != 0 {
		t.Errorf("%d places are taken", n)
	}
}

// cable is a network between a process and PostgreSQL, until it is cut.
type cable struct {
	mu    sync.Mutex
	conns []net.Conn
	cut   bool
}

func (c *cable) connect(config *pgx.ConnConfig) {
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.cut {
			return nil, errors.New("the cable is cut")
		}
		conn, err := dial(ctx, network, addr)
		if err == nil {
			c.conns = append(c.conns, conn)
		}
		return conn, err
	}
}

func (c *cable) sever() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for _, conn := range c.conns {
		conn.Close()
	}
}

// A process that is closed while nobody knows how its write ended does not say that it has: others find out when the server is
// done with it.
func TestClosedOverALostWrite(t *testing.T) {
	_, params := onRedis(t, "feed=none")
	f, parties := newFleet(t, 1, params...)
	other, cut := parties[0], new(cable)
	leaves := f.with(cut.connect, "store=redis", params[2], "timeout=1s", "feed=none")
	f.exec(leaves.DB, "update accounts set balance = 0 where id = 0")
	f.read(other.DB, balanceOf, 1)
	tx, err := f.plain.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	f.exec(tx, "select 1 from accounts where id = 1 for update")
	done := make(chan error, 1)
	go func() {
		_, err := leaves.ExecContext(t.Context(), "update accounts set balance = 77 where id = 1")
		done <- err
	}()
	f.waitForLockWaiters(1)
	cut.sever()
	if err := <-done; err == nil {
		t.Error("the write was acknowledged over a cable that is cut")
	}
	leaves.Close()
	for range 3 {
		f.read(other.DB, balanceOf, 1)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	f.eventually("the write", func() bool { return f.read(f.plain, balanceOf, 1) == "77" })
	if got := f.read(other.DB, balanceOf, 1); got != "77" {
		t.Errorf("another process reads %s", got)
	}
}

// frail is a store whose ledger can't be written to while it is down.
type frail struct {
	*redis.Store
	down atomic.Bool
}

func (s *frail) Begin(ctx context.Context, writer string, tags []uint64, all bool) error {
	if s.down.Load() {
		return redis.ErrUnavailable
	}
	return s.Store.Begin(ctx, writer, tags, all)
}

// A process sees what it has written with COMMIT AND CHAIN even if the ledger could not be told.
func TestChainThatWasNotTold(t *testing.T) {
	r, _ := onRedis(t)
	store, err := redis.Open(redis.Config{URL: r.URL(), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := &frail{Store: store}
	f := newFixture(t)
	f.DB, f.connector = f.openWith([]Option{WithStore(s)}, "rule=all: * ttl=1h", "feed=none")
	writer := f.pin()
	f.exec(writer, "update accounts set balance = 0 where id = 0")
	f.caches(balanceOf, 1)
	s.down.Store(true)
	f.exec(writer, "begin")
	f.exec(writer, "update accounts set balance = 5 where id = 1")
	f.exec(writer, "commit and chain")
	s.down.Store(false)
	f.want(balanceOf, 1)
	f.exec(writer, "commit")
	f.want(balanceOf, 1)
}

// A number is that of a session that has ended if nobody has it, or one of the server's own processes.
func TestGone(t *testing.T) {
	f := newFixture(t)
	conn := f.pin()
	pid := func(query string) uint32 {
		n, err := strconv.ParseUint(f.read(conn, query), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(n)
	}
	for query, want := range map[string]bool{
		"select pg_backend_pid()": false,
		"select pid from pg_stat_activity where backend_type = 'checkpointer'": true,
		"select max(pid) + 1 from pg_stat_activity":                            true,
	} {
		if gone, err := f.connector.cache.gone(t.Context(), pid(query)); err != nil || gone != want {
			t.Errorf("%s: gone %v, %v", query, gone, err)
		}
	}
}
