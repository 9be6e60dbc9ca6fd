package relay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// counters is how many rows there are to count in.
const counters = 128

// truth checks that a fleet does not lie. Writers count up the rows of a table; readers fill a store, which is shared by all
// processes, and look at what is fresh after a barrier: it must not be less than what was acknowledged when they asked.
type truth struct {
	t     *testing.T
	dsn   string
	table uint32
	// acked is what each row is known to count.
	acked [counters]atomic.Int64

	mu    sync.Mutex
	store [counters]entry

	checks, lies, fills, barriers, refused atomic.Int64
}

type entry struct {
	value    int64
	position uint64
	kept     bool
}

func newTruth(t *testing.T, dsn string, c *pgx.Conn) *truth {
	t.Helper()
	exec(t, c, "insert into t select i, 0 from generate_series(0, "+strconv.Itoa(counters-1)+") i")
	return &truth{t: t, dsn: dsn, table: get[uint32](t, c, "select 't'::regclass::oid")}
}

// tags are those of one row.
func (w *truth) tags(id int) []freshness.Tag {
	return []freshness.Tag{freshness.RowTag(w.table, "id", strconv.Itoa(id)), freshness.ColumnTag(w.table, "id")}
}

// write counts up until the context ends. Each writer has rows of its own.
func (w *truth) write(ctx context.Context, seed uint64, conn *pgx.Conn, async bool) {
	random := rand.New(rand.NewPCG(seed, 1))
	if async {
		exec(w.t, conn, "set synchronous_commit = off")
	}
	for ctx.Err() == nil {
		id := random.IntN(counters/2)*2 + int(seed%2)
		exec(w.t, conn, "begin", "savepoint s")
		if random.IntN(4) == 0 {
			exec(w.t, conn, fmt.Sprintf("update t set n = n + 1000 where id %% 2 = %d", seed%2), "rollback to s")
		}
		n := get[int64](w.t, conn, "update t set n = n + 1 where id = $1 returning n", id)
		if random.IntN(8) == 0 {
			exec(w.t, conn, "rollback")
			continue
		}
		exec(w.t, conn, "commit")
		w.acked[id].Store(n)
	}
}

// read looks at the store through a process, and fills what is not fresh.
func (w *truth) read(ctx context.Context, p *process, conn *pgx.Conn) {
	for ctx.Err() == nil {
		var asked [counters]int64
		for id := range asked {
			asked[id] = w.acked[id].Load()
		}
		w.mu.Lock()
		store := w.store
		w.mu.Unlock()
		waiting, cancel := context.WithTimeout(ctx, time.Second)
		err := p.feed.Barrier(waiting)
		cancel()
		if err != nil {
			w.refused.Add(1)
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
			continue
		}
		w.barriers.Add(1)
		var stale []int
		for id := range store {
			e := &store[id]
			if !e.kept || !p.tracker.Fresh(w.tags(id), e.position) {
				stale = append(stale, id)
				continue
			}
			w.checks.Add(1)
			if e.value < asked[id] {
				w.lies.Add(1)
			}
		}
		rand.Shuffle(len(stale), func(i, j int) { stale[i], stale[j] = stale[j], stale[i] })
		for _, id := range stale[:min(len(stale), 8)] {
			w.fill(ctx, p, conn, id)
		}
	}
}

// fill reads a row as the driver does.
func (w *truth) fill(ctx context.Context, p *process, conn *pgx.Conn, id int) {
	fill := p.tracker.Begin()
	var snapshot, lsn string
	var value int64
	questions := new(pgx.Batch)
	questions.Queue("select pg_current_snapshot()::text, pg_current_wal_insert_lsn()::text").QueryRow(func(row pgx.Row) error {
		return row.Scan(&snapshot, &lsn)
	})
	questions.Queue("select n from t where id = $1", id).QueryRow(func(row pgx.Row) error { return row.Scan(&value) })
	if err := conn.SendBatch(context.WithoutCancel(ctx), questions).Close(); err != nil {
		w.t.Error(err)
	}
	seen, err := freshness.ParseSnapshot(snapshot)
	if err != nil {
		w.t.Error(err)
	}
	at, err := server.ParseLSN(lsn)
	if err != nil {
		w.t.Error(err)
	}
	fill.Read(seen, p.feed.Position(at))
	tables := []freshness.Tag{freshness.TableTag(w.table)}
	fill.Admit(freshness.Reads{Tables: tables, Tags: tables}, func(admitted bool) {
		if !admitted {
			return
		}
		w.fills.Add(1)
		w.mu.Lock()
		defer w.mu.Unlock()
		if e := &w.store[id]; !e.kept || e.position < fill.Position() {
			*e = entry{value, fill.Position(), true}
		}
	})
}

// attend has readers go through a process until it is stopped.
func (w *truth) attend(p *process, readers *sync.WaitGroup) {
	p.interest.Add(w.table, "id")
	ctx, cancel := context.WithCancel(context.Background())
	stop := p.stop
	var mine sync.WaitGroup
	for range 2 {
		conn := connect(w.t, w.dsn)
		mine.Go(func() { w.read(ctx, p, conn) })
		readers.Go(mine.Wait)
	}
	p.stop = sync.OnceFunc(func() {
		cancel()
		mine.Wait()
		stop()
	})
	w.t.Cleanup(p.stop)
}

// more waits until so many more checks were made.
func (w *truth) more(checks int64) {
	until := w.checks.Load() + checks
	for begun := time.Now(); w.checks.Load() < until; pause(context.Background(), time.Millisecond) {
		if time.Since(begun) > patience {
			w.t.Fatalf("%d checks, %d barriers, %d fills, %d barriers refused", w.checks.Load(), w.barriers.Load(), w.fills.Load(), w.refused.Load())
		}
	}
}

// run checks a fleet while faults happen, each after so many checks.
func (w *truth) run(all []*process, checks int64, faults ...func()) {
	w.t.Helper()
	var writers, readers sync.WaitGroup
	writing, stop := context.WithCancel(context.Background())
	defer writers.Wait()
	defer stop()
	for i := range uint64(2) {
		conn := connect(w.t, w.dsn)
		writers.Go(func() { w.write(writing, i, conn, i == 1) })
	}
	for _, p := range all {
		w.attend(p, &readers)
	}
	for _, fault := range faults {
		w.more(checks / int64(len(faults)+1))
		fault()
	}
	w.more(checks / int64(len(faults)+1))
	stop()
	writers.Wait()
	for _, p := range all {
		p.stop()
	}
	readers.Wait()
	w.t.Logf("%d checks, %d lies; %d fills, %d barriers, and %d refused", w.checks.Load(), w.lies.Load(), w.fills.Load(), w.barriers.Load(), w.refused.Load())
	if w.lies.Load() > 0 {
		w.t.Errorf("%d of %d answers were lies", w.lies.Load(), w.checks.Load())
	}
}

// Whatever becomes of leaders, no process takes an entry for fresh that lacks what was acknowledged before it asked.
func TestFleetDoesNotLie(t *testing.T) {
	dsn, c := database(t)
	transport := new(memory)
	all := fleet(t, dsn, 3, func() Transport { return transport })
	w := newTruth(t, dsn, c)
	breaks := func(sql string) func() {
		return func() {
			_, others := leaderOf(t, all)
			var starts int
			others[0].look(func(s *state) { starts = len(s.starts) })
			exec(t, c, sql)
			others[0].until(t, "another start", func(s *state) bool { return len(s.starts) > starts && s.live })
		}
	}
	lock := breaks("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted and " +
		"database = (select oid from pg_database where datname = current_database())")
	sender := breaks("select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()")
	closes := func() {
		leads, others := leaderOf(t, all)
		leads.stop()
		all = others
		leaderOf(t, all)
	}
	drops := func() { // the transport loses a batch, then breaks for a moment
		n := 0
		transport.set(func(m *memory) {
			m.meddle = func(b []byte) [][]byte {
				switch n++; {
				case n == 1:
					return [][]byte{}
				case n > 10 && n < 20:
					return nil
				default:
					return [][]byte{b, b}
				}
			}
		})
	}
	w.run(slices.Clone(all), 60_000, lock, drops, sender, lock, closes, lock)
}
