package freshness

import "testing"

// A change of the schema is seen by snapshots that see its commit; what is forgotten, or older than the stream, by those that see
// all that was under way then.
func TestSchemaSeen(t *testing.T) {
	lacks := Snapshot{Min: 11, Max: 12, Running: []uint64{11}}
	sees := Snapshot{Min: 13, Max: 13}
	tr := newTracker(1<<4, 1<<4)
	asks := func(s Snapshot) bool {
		f := tr.Begin()
		defer f.End()
		f.Read(s, 0)
		return f.SeesSchema()
	}
	want := func(when string, seen, byLacking, bySeeing bool) {
		t.Helper()
		if got := tr.SchemaSeen(); got != seen {
			t.Errorf("%s: seen is %v", when, got)
		}
		if got := asks(lacks); got != byLacking {
			t.Errorf("%s: with the early snapshot %v", when, got)
		}
		if got := asks(sees); got != bySeeing {
			t.Errorf("%s: with the late snapshot %v", when, got)
		}
	}
	want("without a feed", true, true, true)
	tr.Start(100, 10)
	want("at the start", false, true, true)
	tr.Commit(Commit{Position: 110, XID: 11, Tags: []Tag{TableTag(1)}})
	want("after a commit of rows", true, true, true)
	tr.Commit(Commit{Position: 120, XID: 11, Everything: true, Schema: true})
	early := tr.Begin()
	early.Read(lacks, 0)
	want("after a change of the schema", false, false, true)
	if early.SeesSchema() {
		t.Error("who asked before the change was seen believes that it has seen it")
	}
	early.End()
	want("when it was seen", true, true, true) // nobody can have that snapshot any more
	tr.Lose()
	want("when the feed is lost", true, true, true)
	tr.Start(200, 12)
	want("in a later stream", false, false, true)
	f := tr.Begin()
	f.Read(sees, 0)
	tr.Lose()
	tr.Start(300, 12)
	if f.SeesSchema() {
		t.Error("a question from an earlier stream counts in a later one")
	}
}

// A commit that is delivered and not passed yet counts for who joins, whatever it was delivered with.
func TestHoldsNotAcrossTell(t *testing.T) {
	tr := newTracker(1<<10, 1<<10)
	tr.Start(100, 9)
	tr.Pass(110)
	table, column, row := TableTag(7), ColumnTag(7, "id"), RowTag(7, "id", "1")
	tr.Commit(Commit{Position: 120, XID: 11, Tags: []Tag{table}})
	tr.Tell(table, column) // from now on the rows of the table matter
	reads := Reads{Tables: []Tag{table}, Tags: []Tag{column, row}, Since: tr.Told()}
	f := tr.Begin()
	f.Read(Snapshot{Min: 11, Max: 12, Running: []uint64{11}}, 120)
	if holds, known := f.Holds(&reads); !known || holds >= tr.Told() {
		t.Errorf("holds all up to %d, and was told of %d", holds, tr.Told())
	}
}
