package relay

import (
	"slices"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// told gives what the last commit touched in the process's view: the row, the column as a whole.
func told(t *testing.T, p *process, c *pgx.Conn, table uint32, id int) (row, column bool) {
	t.Helper()
	p.catchUp(t, c)
	p.look(func(s *state) {
		tags := s.commits[len(s.commits)-1].Tags
		row = slices.Contains(tags, freshness.RowTag(table, "id", strconv.Itoa(id)))
		column = slices.Contains(tags, freshness.ColumnTag(table, "id"))
	})
	return row, column
}

// A follower whose leader does not heed a column takes every commit to have touched all of it; once the leader has said
// that it does, the rows are told apart. With another leader that begins anew.
func TestColumnsAreHeeded(t *testing.T) {
	dsn, c := database(t)
	transport := &memory{deaf: true}
	all := fleet(t, dsn, 2, func() Transport { return transport })
	leads, others := leaderOf(t, all)
	p := others[0]
	table := get[uint32](t, c, "select 't'::regclass::oid")
	exec(t, c, "insert into t select i, 0 from generate_series(0, 9) i")
	p.interest.Add(table, "id")

	exec(t, c, "update t set n = 1 where id = 1")
	if row, column := told(t, p, c, table, 1); row || !column {
		t.Errorf("not heeded: row %v, column %v", row, column)
	}
	if _, column := told(t, leads, c, table, 1); column {
		t.Error("the leader, to which the column does not matter, was told of it")
	}
	transport.set(func(m *memory) { m.deaf = false })
	heeded := func(p *process) {
		t.Helper()
		for n := 0; ; n++ {
			exec(t, c, "update t set n = n + 1 where id = 2")
			row, column := told(t, p, c, table, 2)
			switch {
			case row && !column:
				return
			case !row && !column:
				t.Fatal("a commit touched neither the row nor the column")
			case n > 10_000:
				t.Fatal("the column is never heeded")
			}
		}
	}
	heeded(p)

	transport.set(func(m *memory) { m.deaf = true })
	exec(t, c, "select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()")
	p.until(t, "another start", func(s *state) bool { return len(s.starts) == 2 && s.live })
	exec(t, c, "update t set n = 3 where id = 3")
	if _, column := told(t, p, c, table, 3); !column {
		t.Error("what an earlier stream heeded is taken for heeded")
	}
	transport.set(func(m *memory) { m.deaf = false })
	heeded(p)
}

// The word that a column is heeded comes behind every commit whose tags were gathered before it was, even if one of them is
// just being gathered.
func TestHeedComesBehindWhatWasGathered(t *testing.T) {
	p := &publisher{
		sink: &process{tracker: freshness.NewTracker()}, interest: new(changefeed.Interest), limit: 1 << 16,
		resign: func(error) {}, due: make(chan struct{}, 1),
	}
	p.Start("1/2/3/4", 100, 10)
	ask := request{server: p.head.server, columns: []column{{7, "id"}}}
	// The feed has looked at the columns that matter, and found none; then the request comes; then the commit is told.
	if len(p.interest.Columns(7)) != 0 {
		t.Fatal("a column matters")
	}
	p.take(ask.encode())
	if len(p.interest.Columns(7)) != 1 {
		t.Fatal("the column does not matter")
	}
	p.Changed([]uint32{7}, freshness.Commit{Position: 110, XID: 11, Tags: []freshness.Tag{freshness.TableTag(7)}}, false)
	p.Pass(110)
	data, _ := p.next(false)
	b, err := decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []kind
	for _, m := range b.messages {
		kinds = append(kinds, m.kind)
	}
	if !slices.Equal(kinds, []kind{kindCommit, kindHeed, kindPass}) {
		t.Errorf("the order is %v", kinds)
	}
}

// A commit too large for a batch is told coarsely, and nothing that it touched is left out.
func TestLargeCommitIsToldCoarsely(t *testing.T) {
	dsn, c := database(t)
	transport := &memory{limit: 700}
	all := fleet(t, dsn, 2, func() Transport { return transport })
	_, others := leaderOf(t, all)
	p := others[0]
	table := get[uint32](t, c, "select 't'::regclass::oid")
	for _, one := range all {
		one.interest.Add(table, "id")
	}
	exec(t, c, "insert into t select i, 0 from generate_series(0, 999) i")
	if row, column := told(t, p, c, table, 1); row || !column {
		t.Errorf("row %v, column %v", row, column)
	}
	const tables = 120
	exec(t, c, "do $$ begin for i in 1.."+strconv.Itoa(tables)+" loop execute format('create table t%s (id int primary key)', i); "+
		"execute format('alter publication pgcache add table t%s', i); end loop; end $$")
	p.until(t, "the stream that knows the new tables", func(s *state) bool { return len(s.starts) > 1 && s.live })
	exec(t, c, "do $$ begin for i in 1.."+strconv.Itoa(tables)+" loop execute format('insert into t%s values (1)', i); end loop; end $$")
	p.catchUp(t, c)
	p.look(func(s *state) {
		if last := s.commits[len(s.commits)-1]; !last.Everything {
			t.Errorf("a commit of %d tables touched %d things", tables, len(last.Tags))
		}
	})
}
