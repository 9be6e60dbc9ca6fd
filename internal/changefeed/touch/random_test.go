package touch_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/changefeed/touch"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// book is what writers did.
type book struct {
	mu sync.Mutex
	// done are the commits that were acknowledged, with the tables that they wrote, and undone what was rolled back.
	done   map[uint64][]string
	undone map[uint64]bool
}

func (b *book) note(xid uint64, tables []string, committed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if committed {
		b.done[xid] = tables
	} else {
		b.undone[xid] = true
	}
}

func (b *book) acknowledged() map[uint64][]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.done)
}

// enough tells whether there is enough to tell something by.
func (b *book) enough() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.done) >= 100 && len(b.undone) >= 50
}

// scribe writes transactions of all sorts, with rows of its own.
type scribe struct {
	id     int
	conn   *pgx.Conn
	random *rand.Rand
	book   *book
	rows   int
}

// write runs one transaction.
func (s *scribe) write(ctx context.Context) error {
	var xid uint64
	if _, err := s.conn.Exec(ctx, "begin"); err != nil {
		return err
	}
	if err := s.conn.QueryRow(ctx, "select pg_current_xact_id()::text::bigint").Scan(&xid); err != nil {
		return err
	}
	tables, err := s.statements(ctx)
	if err != nil {
		return err
	}
	end, committed := "commit", true
	name := fmt.Sprintf("'p%d'", s.id)
	switch s.random.IntN(6) {
	case 0:
		end, committed = "rollback", false
	case 1:
		end = "prepare transaction " + name + ";commit prepared " + name
	case 2:
		end, committed = "prepare transaction "+name+";rollback prepared "+name, false
	}
	for part := range strings.SplitSeq(end, ";") {
		if _, err := s.conn.Exec(ctx, part); err != nil {
			return err
		}
	}
	s.book.note(xid, tables, committed)
	return nil
}

// statements runs some statements, and gives the tables that the transaction will have written.
func (s *scribe) statements(ctx context.Context) ([]string, error) {
	written := make(map[string]bool)
	for range s.random.IntN(4) {
		sql, tables := s.statement()
		undo := s.random.IntN(4) == 0
		if undo {
			sql = "savepoint s;" + sql + ";rollback to s"
		}
		for part := range strings.SplitSeq(sql, ";") {
			if _, err := s.conn.Exec(ctx, part); err != nil {
				return nil, fmt.Errorf("%s: %w", part, err)
			}
		}
		for _, table := range tables {
			written[table] = written[table] || !undo
		}
	}
	maps.DeleteFunc(written, func(_ string, yes bool) bool { return !yes })
	return slices.Sorted(maps.Keys(written)), nil
}

func (s *scribe) statement() (sql string, tables []string) {
	s.rows++
	id := 1000*(s.rows+1) + s.id
	switch s.random.IntN(8) {
	case 0:
		return fmt.Sprintf("insert into a values (%d, 1)", id), []string{"a"}
	case 1:
		return fmt.Sprintf("insert into a values (%d, 1) on conflict (id) do update set v = a.v + 1", -s.id), []string{"a"}
	case 2:
		return fmt.Sprintf("insert into quick values (%d)", id), []string{"quick"}
	case 3:
		return fmt.Sprintf("truncate own%d", s.id), []string{fmt.Sprintf("own%d", s.id)}
	case 4:
		return fmt.Sprintf("insert into low values (%d, 1)", s.id), []string{"low"}
	case 5:
		return fmt.Sprintf("insert into root values (%d, 1)", 50+s.id), []string{"high", "higher", "low", "root"}
	case 6:
		return "insert into audited values (1)", []string{"audit", "audited"}
	default:
		return fmt.Sprintf("insert into child values (%d)", id), []string{"child"}
	}
}

// Every commit that was acknowledged before a barrier was called has been told when it returns, once, with the tables that
// it wrote; nothing is told that was rolled back. That is so while the log is swept as often as can be.
func TestAcknowledgedIsTold(t *testing.T) {
	const scribes, rounds = 4, 250
	dsn := database(t)
	conn := connect(t, dsn)
	for i := range scribes {
		exec(t, conn, fmt.Sprintf("create table own%d (id int)", i))
	}
	install(t, conn)
	exec(t, conn, "update pgcache.touch_state set keep = '0'")
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	b := &book{done: make(map[uint64][]string), undone: make(map[uint64]bool)}
	ctx, stop := context.WithCancel(soon(t))
	var all sync.WaitGroup
	for i := range scribes {
		s := &scribe{id: i, conn: connect(t, dsn), random: rand.New(rand.NewPCG(seed, uint64(i))), book: b}
		all.Go(func() {
			for ctx.Err() == nil {
				if err := s.write(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	known := make(map[uint64]told)
	for n := 0; n < rounds || ctx.Err() == nil && !b.enough(); n++ { // on a slow machine the scribes are slower than the barriers
		done := b.acknowledged()
		barrier(t, feed)
		for _, c := range d.take() {
			if _, twice := known[c.XID]; twice {
				t.Errorf("transaction %d was told twice", c.XID)
			}
			known[c.XID] = c
		}
		for xid, tables := range done {
			if _, ok := known[xid]; !ok && len(tables) > 0 {
				t.Fatalf("transaction %d, which wrote %v, was not told", xid, tables)
			}
		}
	}
	stop()
	all.Wait()
	barrier(t, feed)
	for _, c := range d.take() {
		known[c.XID] = c
	}
	compare(t, conn, b, known)
	if len(d.streams) != 1 {
		t.Errorf("%d streams", len(d.streams))
	}
}

// compare holds what was told against what was done.
func compare(t *testing.T, conn *pgx.Conn, b *book, known map[uint64]told) {
	t.Helper()
	for xid, c := range known {
		tables, done := b.done[xid]
		switch {
		case b.undone[xid]:
			t.Errorf("transaction %d was told, and was rolled back", xid)
		case !done:
			t.Errorf("transaction %d is nobody's", xid)
		default:
			if got := names(t, conn, []told{c}); got != strings.Join(tables, " ") {
				t.Errorf("transaction %d: told %q, wrote %v", xid, got, tables)
			}
		}
	}
	silent := 0
	for xid, tables := range b.done {
		if _, ok := known[xid]; !ok && len(tables) > 0 {
			t.Errorf("transaction %d was never told", xid)
		}
		if len(tables) == 0 {
			silent++
		}
	}
	t.Logf("%d commits, %d of them of nothing, %d rolled back", len(b.done), silent, len(b.undone))
	if !b.enough() {
		t.Error("that is too little to tell")
	}
}

// shelf is a small cache: an entry a table.
type shelf struct {
	mu      sync.Mutex
	entries map[string]entry
}

type entry struct{ value, position uint64 }

// counters are tables with one row that only ever grows. latest is the value whose commit was acknowledged last.
type counters struct {
	names  []string
	tags   map[string][]freshness.Tag
	latest map[string]*atomic.Uint64
}

const counted = 3

func newCounters(t *testing.T, conn *pgx.Conn) *counters {
	t.Helper()
	c := &counters{tags: make(map[string][]freshness.Tag), latest: make(map[string]*atomic.Uint64)}
	for i := range counted {
		name := fmt.Sprintf("counter%d", i)
		exec(t, conn, "create table "+name+" (v bigint)", "insert into "+name+" values (0)")
		c.names, c.tags[name], c.latest[name] = append(c.names, name), tag(t, conn, name), new(atomic.Uint64)
	}
	return c
}

// count raises counters until the context ends.
func (c *counters) count(ctx context.Context, conn *pgx.Conn, id int, random *rand.Rand) error {
	for ctx.Err() == nil {
		name := c.names[random.IntN(counted)]
		end, committed := "commit", true
		switch random.IntN(8) {
		case 0:
			end, committed = "rollback", false
		case 1:
			end = fmt.Sprintf("prepare transaction 'c%d';commit prepared 'c%[1]d'", id)
		}
		if _, err := conn.Exec(context.Background(), "begin"); err != nil {
			return err
		}
		var v uint64
		if err := conn.QueryRow(context.Background(), "update "+name+" set v = v + 1 returning v").Scan(&v); err != nil {
			return err
		}
		for part := range strings.SplitSeq(end, ";") {
			if _, err := conn.Exec(context.Background(), part); err != nil {
				return err
			}
		}
		for latest := c.latest[name]; committed; {
			old := latest.Load()
			if old >= v || latest.CompareAndSwap(old, v) {
				break
			}
		}
	}
	return nil
}

// strictReads reads counters at the level strict: from the shelf, behind a barrier, where an entry is fresh, and else from
// the server, to fill the shelf. It counts hits, and those that were older than a commit acknowledged before. keep decides
// on a fill.
func (c *counters) strictReads(
	t *testing.T, conn *pgx.Conn, feed *touch.Feed, d *diary, s *shelf, random *rand.Rand, reads int,
	keep func(*freshness.Fill, []freshness.Tag, func(bool)),
) (hits, lies int) {
	t.Helper()
	for range reads {
		name := c.names[random.IntN(counted)]
		latest := c.latest[name].Load()
		barrier(t, feed)
		s.mu.Lock()
		e, there := s.entries[name]
		s.mu.Unlock()
		if there && d.tracker.Fresh(c.tags[name], e.position) {
			hits++
			if e.value < latest {
				lies++
			}
			continue
		}
		f := fill(t, conn, feed, d.tracker)
		value := scalar[uint64](t, conn, "select v from "+name)
		keep(f, c.tags[name], func(ok bool) {
			if ok {
				s.mu.Lock()
				s.entries[name] = entry{value, f.Position()}
				s.mu.Unlock()
			}
		})
	}
	return hits, lies
}

// stress has writers and readers meet, and counts hits and lies.
func stress(t *testing.T, reads int, keep func(*freshness.Fill, []freshness.Tag, func(bool))) (hits, lies int) {
	t.Helper()
	const writers, readers = 2, 4
	dsn := database(t)
	conn := connect(t, dsn)
	c := newCounters(t, conn)
	install(t, conn)
	exec(t, conn, "update pgcache.touch_state set keep = '0'")
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	ctx, stop := context.WithCancel(soon(t))
	var writing, reading sync.WaitGroup
	for i := range writers {
		conn, random := connect(t, dsn), rand.New(rand.NewPCG(seed, uint64(i)))
		writing.Go(func() {
			if err := c.count(ctx, conn, i, random); err != nil {
				t.Error(err)
			}
		})
	}
	s := &shelf{entries: make(map[string]entry)}
	var sum sync.Mutex
	for i := range readers {
		conn, random := connect(t, dsn), rand.New(rand.NewPCG(seed, uint64(100+i)))
		reading.Go(func() {
			h, l := c.strictReads(t, conn, feed, d, s, random, reads/readers, keep)
			sum.Lock()
			defer sum.Unlock()
			hits, lies = hits+h, lies+l
		})
	}
	reading.Wait()
	stop()
	writing.Wait()
	t.Logf("%d reads, %d hits, %d lies", reads, hits, lies)
	return hits, lies
}

// A strict hit never misses a commit that was acknowledged before it was asked for.
func TestStrictHitsDoNotLie(t *testing.T) {
	hits, lies := stress(t, 8000, func(f *freshness.Fill, tags []freshness.Tag, decide func(bool)) {
		f.Admit(freshness.Reads{Tables: tags, Tags: tags}, decide)
	})
	if lies > 0 {
		t.Errorf("%d of %d hits lied", lies, hits)
	}
	if hits < 100 {
		t.Errorf("only %d hits", hits)
	}
}

// The same with the rule that goes by the position alone lies: the test above would see it.
func TestStrictHitsLieByThePositionRule(t *testing.T) {
	_, lies := stress(t, 8000, func(f *freshness.Fill, _ []freshness.Tag, decide func(bool)) {
		f.End()
		decide(true)
	})
	if lies == 0 {
		t.Error("no hit lied")
	}
}
