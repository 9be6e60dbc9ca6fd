package wal

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// writer makes random transactions in a table of its own, w, and keeps a model of it. The replica identity is full, so the tags
// are known to the value. Each transaction also takes its turn at one of a few clocks, which orders it among those that
// took their turn at the same.
type writer struct {
	t      *testing.T
	random *rand.Rand
	conn   *pgx.Conn
	table  string
	oid    uint32
	// rows is the model: the column n of each id.
	rows map[int]int
	// touched are the tags of the transaction, by name; saved are the states at its savepoints.
	touched names
	saved   []saved
	// told is what each committed transaction touched, and when by which clock.
	told map[uint64]expected
}

type saved struct {
	rows    map[int]int
	touched names
}

type expected struct {
	touched names
	clock   string
	turn    int
}

const clocks = 3

func (w *writer) touch(columns ...string) {
	w.touched[freshness.TableTag(w.oid)] = w.table
	for _, pair := range columns {
		column, value, _ := strings.Cut(pair, "=")
		if value == "*" {
			w.touched[freshness.ColumnTag(w.oid, column)] = w.table + "." + pair
		} else {
			w.touched[freshness.RowTag(w.oid, column, value)] = w.table + "." + pair
		}
	}
}

func row(id, n int) []string { return []string{"id=" + strconv.Itoa(id), "n=" + strconv.Itoa(n)} }

// step is one statement of a transaction.
func (w *writer) step() {
	id, n := w.random.IntN(40), w.random.IntN(10)
	switch w.random.IntN(12) {
	case 0, 1, 2:
		w.insert(id, n)
	case 3, 4:
		w.update(fmt.Sprintf("id between %d and %d", id, id+3), n, func(at int) bool { return at >= id && at <= id+3 })
	case 5:
		w.delete(id)
	case 6:
		w.move(id, w.random.IntN(40))
	case 7:
		w.exec("savepoint s")
		w.saved = append(w.saved, saved{maps.Clone(w.rows), maps.Clone(w.touched)})
	case 8:
		w.rollBack()
	case 9:
		if len(w.saved) > 0 {
			w.exec("release s")
			w.saved = w.saved[:len(w.saved)-1]
		}
	case 10:
		w.bulk(n)
	case 11:
		if w.random.IntN(4) == 0 {
			w.exec("truncate " + w.table)
			w.touch("id=*", "n=*")
			clear(w.rows)
		}
	}
}

func (w *writer) exec(sql string, args ...any) {
	if _, err := w.conn.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Errorf("%s: %v", sql, err)
	}
}

func (w *writer) insert(id, n int) {
	if old, there := w.rows[id]; there {
		w.touch(row(id, old)...)
	}
	w.exec("insert into "+w.table+" values ($1, $2) on conflict (id) do update set n = excluded.n", id, n)
	w.rows[id] = n
	w.touch(row(id, n)...)
}

func (w *writer) update(where string, n int, holds func(int) bool) {
	w.exec("update "+w.table+" set n = $1 where "+where, n)
	for id, old := range w.rows {
		if holds(id) {
			w.touch(append(row(id, old), row(id, n)...)...)
			w.rows[id] = n
		}
	}
}

func (w *writer) delete(id int) {
	w.exec("delete from "+w.table+" where id = $1", id)
	if n, there := w.rows[id]; there {
		w.touch(row(id, n)...)
		delete(w.rows, id)
	}
}

// move changes the key of a row.
func (w *writer) move(from, to int) {
	n, there := w.rows[from]
	if _, taken := w.rows[to]; !there || taken {
		return
	}
	w.exec("update "+w.table+" set id = $2 where id = $1", from, to)
	delete(w.rows, from)
	w.rows[to] = n
	w.touch(append(row(from, n), row(to, n)...)...)
}

// bulk writes so much that the transaction is streamed.
func (w *writer) bulk(n int) {
	w.exec("insert into " + w.table + " select i, " + strconv.Itoa(n) + " from generate_series(1000, 1999) i on conflict do nothing")
	w.exec("delete from " + w.table + " where id >= 1000")
	for id := 1000; id < 2000; id++ {
		w.touch(row(id, n)...)
	}
}

func (w *writer) rollBack() {
	if len(w.saved) == 0 {
		return
	}
	w.exec("rollback to s")
	last := w.saved[len(w.saved)-1]
	w.rows, w.touched = maps.Clone(last.rows), maps.Clone(last.touched)
}

// transaction makes one transaction.
func (w *writer) transaction(n int) {
	before := maps.Clone(w.rows)
	w.touched, w.saved = names{}, nil
	w.exec("begin")
	for range w.random.IntN(8) {
		w.step()
	}
	e := expected{touched: w.touched, clock: strconv.Itoa(w.random.IntN(clocks))}
	if err := w.conn.QueryRow(w.t.Context(), "update clock set turn = turn + 1 where id = $1 returning turn", e.clock).Scan(&e.turn); err != nil {
		w.t.Error(err)
	}
	xid, err := strconv.ParseUint(get(w.t, w.conn, "select pg_current_xact_id()::text"), 10, 64)
	if err != nil {
		w.t.Error(err)
	}
	name := fmt.Sprintf("'%s %d'", w.table, n)
	switch w.random.IntN(8) {
	case 0:
		w.exec("rollback")
		w.rows = before
		return
	case 1:
		w.exec("prepare transaction " + name)
		w.exec("rollback prepared " + name)
		w.rows = before
		return
	case 2:
		w.exec("prepare transaction " + name)
		w.exec("commit prepared " + name)
	default:
		w.exec("commit")
	}
	w.told[xid] = e
}

// Several writers make random transactions. The sink is told exactly of those that were committed, once each, with exactly
// what they touched, in an order that is that of their turns at each clock; the numbers are those of the transactions.
//
// On a machine that is busy enough a stream may be lost for being too far behind, and what was committed meanwhile is not told.
// Then it is made again.
func TestExactlyWhatWasCommitted(t *testing.T) {
	for range 5 {
		if exactlyWhatWasCommitted(t) {
			return
		}
		t.Log("the stream was lost")
	}
	t.Error("the stream was lost each time")
}

// exactlyWhatWasCommitted reports false when the stream was lost, so that nothing can be said.
func exactlyWhatWasCommitted(t *testing.T) bool {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dsn, c := database(t)
	exec(t, c, "create table clock (id text primary key, turn int not null)",
		fmt.Sprintf("insert into clock select i, 0 from generate_series(0, %d) i", clocks-1), "alter publication pgcache add table clock",
		"do $$ begin execute format('alter database %I set logical_decoding_work_mem = ''64kB''', current_database()); end $$")
	var writers []*writer
	for i := range uint64(4) {
		table := fmt.Sprintf("w%d", i)
		exec(t, c, "create table "+table+" (id int primary key, n int)", "alter table "+table+" replica identity full",
			"alter publication pgcache add table "+table)
		w := &writer{
			t: t, random: rand.New(rand.NewPCG(seed, i)), conn: connect(t, dsn), table: table, oid: oid(t, c, table),
			rows: make(map[int]int), told: make(map[uint64]expected),
		}
		writers = append(writers, w)
	}
	f := follow(t, dsn)
	for _, w := range writers {
		f.interest.Add(w.oid, "id")
		f.interest.Add(w.oid, "n")
	}
	var running sync.WaitGroup
	for _, w := range writers {
		running.Go(func() {
			for n := range 100 {
				w.transaction(n)
			}
		})
	}
	running.Wait()
	f.catchUp(t, c)
	f.recorder.mu.Lock()
	lost := len(f.state.losses) > 0
	f.recorder.mu.Unlock()
	if lost {
		return false
	}
	untilStreamed(t, f, c)
	want := make(map[uint64]expected)
	for _, w := range writers {
		maps.Copy(want, w.told)
	}
	compare(t, oid(t, c, "clock"), f.take(), want)
	return true
}

func compare(t *testing.T, clock uint32, told []commit, want map[uint64]expected) {
	t.Helper()
	turns := make(map[string]int)
	var last uint64
	for _, c := range told {
		e, there := want[c.XID]
		if !there {
			t.Errorf("transaction %d is told, and was not committed, or twice", c.XID)
			continue
		}
		delete(want, c.XID)
		if c.Position <= last {
			t.Errorf("position %X comes after %X", c.Position, last)
		}
		last = c.Position
		if e.turn <= turns[e.clock] {
			t.Errorf("transaction %d took turn %d of clock %s, and comes after %d", c.XID, e.turn, e.clock, turns[e.clock])
		}
		turns[e.clock] = e.turn
		e.touched[freshness.TableTag(clock)] = "clock"
		if got, wanted := columnwise(e.touched.of(c.Tags)), columnwise(e.touched.of(slices.Collect(maps.Keys(e.touched)))); got != wanted {
			t.Errorf("transaction %d\ntouches %.1000s\n   want %.1000s", c.XID, got, wanted)
		}
		if c.Everything {
			t.Errorf("transaction %d touches everything", c.XID)
		}
	}
	for xid := range want {
		t.Errorf("transaction %d was committed, and is not told", xid)
	}
	t.Logf("%d commits", len(told))
}

// columnwise leaves the values of a column out of a list of names that has the column as a whole.
func columnwise(list string) string {
	all := strings.Fields(list)
	return strings.Join(slices.DeleteFunc(all, func(name string) bool {
		column, value, _ := strings.Cut(name, "=")
		return value != "" && value != "*" && strings.Contains(" "+list+" ", " "+column+"=* ")
	}), " ")
}
