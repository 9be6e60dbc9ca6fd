package cachestore

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// TestEntryFillsNoMore guards the struct: one more word would cost every entry 16 bytes.
func TestEntryFillsNoMore(t *testing.T) {
	if entryBytes != 48 || unsafe.Sizeof(spread{}) > 128 {
		t.Errorf("an entry has %d bytes, and with its parts apart %d", entryBytes, unsafe.Sizeof(spread{}))
	}
}

// TestRoomIsEnough: whatever is put behind an entry ends within its block, which is the one that it is charged with.
func TestRoomIsEnough(t *testing.T) {
	for room := range mostRoom + 1 {
		block, charged := int64(roomy(room).Size()), NewEntry(Content{Arguments: strings.Repeat("a", room)}).OwnSize()
		if int64(entryBytes+room) > block || block != charged {
			t.Fatalf("a room of %d bytes is in a block of %d, and is charged %d", room, block, charged)
		}
	}
}

// anyContent draws sizes on both sides of those at which something changes: a part is missing, the room is full, a count does not
// fit its field.
func anyContent(t *rapid.T) Content {
	length := func(label string) int {
		return rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(mostRoom-20, mostRoom+20), rapid.Just(5000)).Draw(t, label)
	}
	text := rapid.StringMatching(`[a-z]`).Draw(t, "letter")
	rows := make([][]string, rapid.SampledFrom([]int{0, 1, 2, 255, 256}).Draw(t, "rows"))
	columns := []string{"a", "b"}[:rapid.IntRange(0, 2).Draw(t, "columns")]
	for i := range rows {
		if i < 2 {
			rows[i] = []string{strings.Repeat(text, length("row"))}
		}
	}
	tags := rapid.SliceOfN(rapid.Uint64(), 0, 5).Draw(t, "tags")
	return Content{
		Statement: NewStatement(text, rapid.SampledFrom([][]uint64{nil, slices.Clone(tags), {1, 2}}).Draw(t, "statement's tags")),
		Arguments: strings.Repeat(text, length("arguments")), Rows: rowset.Table(columns, rows),
		Tags: tags, Position: rapid.Uint64().Draw(t, "position"), Foreign: rapid.Bool().Draw(t, "foreign"),
		ReadAt: time.Now().Add(time.Duration(rapid.Int64Range(-1<<61, 1<<61).Draw(t, "age"))), Cost: time.Duration(rapid.Int64().Draw(t, "cost")),
		Keep: time.Duration(rapid.Int64().Draw(t, "keep")),
	}
}

// TestEntryIsItsContent: whatever an entry is made of is what it gives, also when it is taken apart and made anew, and it keeps
// nothing small that its maker may change.
func TestEntryIsItsContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyContent(t)
		e := NewEntry(c)
		want := c
		want.Tags = slices.Clone(c.Tags)
		if e.flags&(isApart|statementTags) == 0 {
			for i := range c.Tags {
				c.Tags[i]++
			}
		}
		runtime.GC() // parts that nothing holds would be gone
		requireContent(t, e, want)
		requireContent(t, NewEntry(e.Content()), want)
		if e.Common() != NewEntry(e.Content()).Common() {
			t.Fatal("an entry made of another's content has nothing in common with it")
		}
	})
}

func requireContent(t *rapid.T, e *Entry, c Content) {
	t.Helper()
	switch {
	case e.Statement() != c.Statement.Text(), e.Arguments() != c.Arguments, !slices.Equal(e.Tags(), c.Tags),
		e.Position() != c.Position, e.Foreign() != c.Foreign, !e.ReadAt().Equal(c.ReadAt), e.Cost() != c.Cost, e.Keep() != c.Keep,
		e.Rows().Len() != c.Rows.Len(), !bytes.Equal(e.Rows().AppendEncoded(nil), c.Rows.AppendEncoded(nil)):
		t.Fatalf("got %+v, want %+v", e.Content(), c)
	}
}

// TestEntryOutlivesItsParts: what is inside an entry keeps all of it alive, and what is handed out of it too.
func TestEntryOutlivesItsParts(t *testing.T) {
	arguments := make([]string, 0, 1000)
	for i := range cap(arguments) {
		e := NewEntry(Content{Arguments: strings.Repeat(string(rune('a'+i%26)), 20), Tags: []uint64{1}})
		arguments = append(arguments, e.Arguments())
	}
	runtime.GC()
	_ = make([]string, 100_000) // in the place of what was thought to be free
	for i, a := range arguments {
		if a != strings.Repeat(string(rune('a'+i%26)), 20) {
			t.Fatalf("arguments have become %q", a)
		}
	}
}

// TestSmallEntryIsOneBlock: an entry as most are costs one allocation, and what it gives costs none.
func TestSmallEntryIsOneBlock(t *testing.T) {
	rows := rowset.Table([]string{"name"}, [][]string{{"a name"}})
	c := Content{Statement: NewStatement("select", []uint64{1}), Arguments: "i 12345678", Rows: rows, Tags: []uint64{1, 2, 3}}
	var e *Entry
	if n := testing.AllocsPerRun(100, func() { e = NewEntry(c) }); n != 1 {
		t.Errorf("%v allocations", n)
	}
	n := testing.AllocsPerRun(100, func() {
		if len(e.Tags()) != 3 || e.Arguments() != c.Arguments || e.Rows().Len() != 1 || e.ReadAt().IsZero() {
			t.Error("something is missing")
		}
	})
	if n != 0 {
		t.Errorf("looking at it takes %v allocations", n)
	}
}

// TestStatementIsHeldOnce: entries of one statement share what they have in common also when each came with a layout of its own,
// and go apart where the columns differ.
func TestStatementIsHeldOnce(t *testing.T) {
	s := NewStatement("select", nil)
	made := func(column string) *Common {
		return NewEntry(Content{Statement: s, Rows: rowset.Table([]string{column}, nil)}).Common()
	}
	a := made("a")
	if made("a") != a {
		t.Error("entries with equal columns have nothing in common")
	}
	if b := made("b"); b == a || NewEntry(Content{Statement: s}).Common() == b {
		t.Error("entries with other columns, or none, have the same in common")
	}
	var wg sync.WaitGroup
	for _, column := range []string{"a", "b", "a", "b"} {
		wg.Go(func() {
			for range 1000 {
				if got := NewEntry(Content{Statement: s, Rows: rowset.Table([]string{column}, nil)}).Rows().Columns()[0].Name; got != column {
					t.Errorf("column %q became %q", column, got)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestAgeIsTold: the clock that was read is the one that counts: a time without a reading of the monotonic clock is taken as it
// is.
func TestAgeIsTold(t *testing.T) {
	for _, at := range []time.Time{time.Now(), time.Unix(1_700_000_000, 5), time.Now().Round(0)} {
		got := NewEntry(Content{ReadAt: at}).ReadAt()
		if d := at.Add(time.Minute).Sub(got); d != time.Minute {
			t.Errorf("a minute later it is %v old", d)
		}
		age, want := NewEntry(Content{ReadAt: at}).Age(Now()), time.Since(at)
		if d := want - age; d < 0 || d > time.Minute {
			t.Errorf("it is %v old, want %v", age, want)
		}
	}
	if e := NewEntry(Content{Keep: time.Hour}); !e.Expired(Now()) {
		t.Errorf("what was never read is %v old", e.Age(Now()))
	}
}
