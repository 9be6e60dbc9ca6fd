package freshness

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// ownWorld is a table of which some columns are told, with own writes that the feed has not delivered, in the model: each write
// is what its rows have in common, by column.
type ownWorld struct {
	tracker *Tracker
	told    map[string]bool
	writes  map[*Own]map[string]int
	log     uint64
}

const ownTable = 42

// row is the tag of the rows that have a value in a column.
func row(column string, value int) Tag { return RowTag(ownTable, column, fmt.Sprint(value)) }

// touched tells whether some write may have changed rows that have the value in the column.
func (w *ownWorld) touched(column string, value int) bool {
	for _, common := range w.writes {
		if v, known := common[column]; !known || v == value {
			return true
		}
	}
	return false
}

func (w *ownWorld) write(t *rapid.T) {
	common := map[string]int{}
	change := Change{Table: TableTag(ownTable)}
	for _, column := range []string{"a", "b", "c"} {
		if rapid.Bool().Draw(t, "by "+column) {
			common[column] = rapid.IntRange(0, 3).Draw(t, column)
			change.Rows = append(change.Rows, Rows{ColumnTag(ownTable, column), row(column, common[column])})
		}
	}
	w.writes[w.tracker.Own([]Change{change}, false)] = common
}

// deliver has the feed deliver one write.
func (w *ownWorld) deliver(t *rapid.T) {
	for o := range w.writes {
		w.log++
		o.Settle(w.log)
		if rapid.Bool().Draw(t, "late") {
			w.check(t) // settled and not delivered
		}
		w.tracker.Pass(w.log)
		delete(w.writes, o)
		return
	}
}

// check looks at an entry of each table, column and value that was read after all that the feed has delivered.
func (w *ownWorld) check(t *rapid.T) {
	table := []Tag{TableTag(ownTable)}
	if got, want := w.tracker.Fresh(table, w.log), len(w.writes) == 0; got != want {
		t.Fatalf("of the table: fresh is %v, with %d writes not delivered", got, len(w.writes))
	}
	for column := range w.told {
		for value := range 4 {
			tags := []Tag{ColumnTag(ownTable, column), row(column, value)}
			if got, want := w.tracker.Fresh(tags, w.log), !w.touched(column, value); got != want {
				t.Fatalf("of %s = %d: fresh is %v, want %v beside %v", column, value, got, want, w.writes)
			}
		}
	}
}

// What this process wrote and the feed has not delivered is held back, and nothing else is.
func TestOwnWritesHoldBackTheirRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &ownWorld{tracker: newTracker(1<<12, 1<<14), told: map[string]bool{}, writes: map[*Own]map[string]int{}}
		w.tracker.Start(0, 0)
		t.Repeat(map[string]func(*rapid.T){
			"write":   w.write,
			"deliver": w.deliver,
			"tell": func(t *rapid.T) {
				column := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "column")
				w.told[column] = true
				w.tracker.Tell(TableTag(ownTable), ColumnTag(ownTable, column))
			},
			"": w.check,
		})
		for len(w.writes) > 0 {
			w.deliver(t)
		}
		w.check(t)
		if len(w.tracker.marks) != 0 || len(w.tracker.outstanding) != 0 {
			t.Fatal("something is marked that no write marks")
		}
	})
}

// A transaction that changes more rows than are remembered counts for the whole of its tables.
func TestWriteOfManyRows(t *testing.T) {
	var l Ledger
	var w Write
	for i := range maxChanges + 1 {
		w.Begin(&l, []Change{{Table: a, Rows: []Rows{{ColumnTag(1, "id"), RowTag(1, "id", fmt.Sprint(i))}}}}, false)
	}
	w.Begin(&l, Whole(b, a), false)
	changes, _ := w.Written()
	if last := changes[maxChanges]; len(changes) != maxChanges+2 || len(last.Rows) != 0 || last.Table != a || changes[maxChanges+1].Table != b {
		t.Errorf("%d changes, then %v", len(changes), changes[maxChanges:])
	}
	w.End()
}

// A fill of some rows is admitted beside a commit that it does not see and that changed others, if the commit told so.
func TestFillBesideACommitOnOtherRows(t *testing.T) {
	const position, since = 10, 5
	table := TableTag(ownTable)
	reads := Reads{Tables: []Tag{table}, Tags: []Tag{ColumnTag(ownTable, "a"), row("a", 1)}, Since: since}
	for _, c := range []struct {
		name   string
		commit Commit
		want   bool
	}{
		{"other rows", Commit{Position: 7, XID: 3, Tags: []Tag{table, row("a", 2)}}, true},
		{"these rows", Commit{Position: 7, XID: 3, Tags: []Tag{table, row("a", 2), row("a", 1)}}, false},
		{"rows of any value", Commit{Position: 7, XID: 3, Tags: []Tag{table, ColumnTag(ownTable, "a")}}, false},
		{"before rows were told", Commit{Position: since, XID: 3, Tags: []Tag{table}}, false},
		{"everything", Commit{Position: 7, XID: 3, Everything: true}, false},
	} {
		tracker := NewTracker()
		tracker.Start(0, 0)
		f := tracker.Begin()
		f.Read(Snapshot{Min: 3, Max: 4, Running: []uint64{3}}, position)
		tracker.Commit(c.commit)
		tracker.Pass(position)
		f.Admit(reads, func(admitted bool) {
			if admitted != c.want {
				t.Errorf("%s: admitted is %v", c.name, admitted)
			}
		})
	}
}

func TestOwnDelivered(t *testing.T) {
	tracker := NewTracker()
	mine, other := []Tag{TableTag(1)}, []Tag{TableTag(2)}
	delivered := func(when string, wantMine, wantOther bool) {
		t.Helper()
		if gotMine, gotOther := tracker.OwnDelivered(mine), tracker.OwnDelivered(other); gotMine != wantMine || gotOther != wantOther {
			t.Errorf("%s: %v and %v", when, gotMine, gotOther)
		}
	}
	delivered("without a feed", false, false)
	tracker.Start(10, 5)
	delivered("before any write", true, true)
	own := tracker.Own(Whole(mine...), false)
	delivered("before the write is settled", false, true)
	own.Settle(20)
	delivered("before the feed has passed it", false, true)
	tracker.Pass(20)
	delivered("after that", true, true)
	everything := tracker.Own(nil, true)
	delivered("when anything may have been written", false, false)
	everything.Settle(30)
	tracker.Pass(30)
	delivered("after that too", true, true)
	tracker.Lose()
	delivered("when the feed is lost", false, false)
}
