package redis

import (
	"context"
	"fmt"
	"slices"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

func readMark(t testing.TB, s *Store, tags ...uint64) (uint64, bool) {
	t.Helper()
	mark, quiet, err := s.Read(t.Context(), tags)
	if err != nil {
		t.Fatal(err)
	}
	return mark, quiet
}

func begin(t testing.TB, s *Store, writer string, all bool, tags ...uint64) {
	t.Helper()
	if err := s.Begin(t.Context(), writer, tags, all); err != nil {
		t.Fatal(err)
	}
}

func end(t testing.TB, s *Store, writer string, all bool, tags ...uint64) {
	t.Helper()
	if err := s.End(t.Context(), writer, tags, all); err != nil {
		t.Fatal(err)
	}
}

func TestMarkStaysWithoutWrites(t *testing.T) {
	url := sharedRedis(t).URL()
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	mark, quiet := readMark(t, a, 1, 2, 3)
	if !quiet {
		t.Error("not quiet")
	}
	for name, tags := range map[string][]uint64{"same": {1, 2, 3}, "another order": {3, 1, 2}, "twice": {1, 1, 2, 3, 2}} {
		if again, quiet := readMark(t, b, tags...); again != mark || !quiet {
			t.Errorf("%s: mark %x, then %x; quiet %t", name, mark, again, quiet)
		}
	}
	if other, _ := readMark(t, b, 1, 2); other == mark {
		t.Error("other tags have the same mark")
	}
	elsewhere := open(t, Config{URL: url, Scope: "another database"})
	if other, _ := readMark(t, elsewhere, 1, 2, 3); other == mark {
		t.Error("another scope has the same mark")
	}
	begin(t, elsewhere, "w", true, 1)
	if again, quiet := readMark(t, a, 1, 2, 3); again != mark || !quiet {
		t.Error("a write in another scope has changed the mark")
	}
}

func TestWriteChangesTheMarkTwice(t *testing.T) {
	for _, c := range []struct {
		name     string
		writes   []uint64
		all      bool
		affected bool
	}{
		{"to a tag", []uint64{2}, false, true},
		{"to several", []uint64{5, 2, 2}, false, true},
		{"to anything", nil, true, true},
		{"to anything, and a tag", []uint64{9}, true, true},
		{"to another tag", []uint64{9}, false, false},
		{"to nothing", nil, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := sharedRedis(t).URL()
			a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
			marks := []uint64{0, 0, 0}
			quiet := []bool{false, false, false}
			marks[0], quiet[0] = readMark(t, a, 1, 2)
			begin(t, b, "w", c.all, c.writes...)
			marks[1], quiet[1] = readMark(t, a, 1, 2)
			writers, err := a.Writers(t.Context(), []uint64{1, 2})
			if err != nil || slices.Equal(writers, []string{"w"}) != c.affected {
				t.Errorf("writers %q, error %v", writers, err)
			}
			end(t, b, "w", c.all, c.writes...)
			marks[2], quiet[2] = readMark(t, a, 1, 2)
			if !quiet[0] || quiet[1] == c.affected || !quiet[2] {
				t.Errorf("quiet before, while and after: %v", quiet)
			}
			slices.Sort(marks)
			if different := len(slices.Compact(marks)); c.affected && different != 3 || !c.affected && different != 1 {
				t.Errorf("%d different marks before, while and after", different)
			}
		})
	}
}

func TestWritersAreToldApart(t *testing.T) {
	s := open(t, Config{URL: sharedRedis(t).URL()})
	begin(t, s, "one", false, 1, 2)
	begin(t, s, "two", false, 2, 3)
	begin(t, s, "two", false, 2, 3) // repeated
	begin(t, s, "any", true)
	for tag, want := range map[uint64][]string{1: {"any", "one"}, 2: {"any", "one", "two"}, 4: {"any"}} {
		if writers, err := s.Writers(t.Context(), []uint64{tag}); err != nil || !slices.Equal(writers, want) {
			t.Errorf("tag %d: writers %q, want %q; %v", tag, writers, want, err)
		}
	}
	end(t, s, "one", false, 1, 2)
	end(t, s, "any", true)
	end(t, s, "any", true)
	if _, quiet := readMark(t, s, 2); quiet {
		t.Error("quiet although one of two still writes")
	}
	if _, quiet := readMark(t, s, 1); !quiet {
		t.Error("not quiet although nobody writes")
	}
}

func TestGetMarkedIsGetAndRead(t *testing.T) {
	s := open(t, Config{URL: sharedRedis(t).URL()})
	tags := []uint64{1, 2}
	check := func(text string, wantQuiet bool) {
		t.Helper()
		entry, mark, quiet, err := s.GetMarked(t.Context(), keyOf(1), tags)
		if err != nil || textOf(entry) != text || quiet != wantQuiet {
			t.Errorf("entry %q, quiet %t, error %v", textOf(entry), quiet, err)
		}
		if again, _ := readMark(t, s, tags...); again != mark {
			t.Errorf("mark %x, but Read gives %x", mark, again)
		}
	}
	check("", true)
	put(t, s, keyOf(1), "one")
	check("one", true)
	begin(t, s, "w", false, 2)
	check("one", false)
}

// Marks name the history of the server's data: what comes back from an old dump has another one.
func TestMarkDoesNotComeBackWithTheData(t *testing.T) {
	server := ownRedis(t)
	s, redis := open(t, Config{URL: server.URL()}), raw(t, server.URL())
	before, _ := readMark(t, s, 1)
	names := s.names.tag(1)
	kept := map[string]string{}
	for _, name := range []string{names.version, s.names.everything().version} {
		kept[name] = redis.Get(t.Context(), name).Val()
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	restored := raw(t, server.URL())
	for name, version := range kept {
		if err := restored.Set(t.Context(), name, version, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "read again", func() bool { _, _, err := s.Read(t.Context(), []uint64{1}); return err == nil })
	if after, _ := readMark(t, s, 1); after == before {
		t.Error("the mark came back after a restart")
	}
}

// What is on a replica may be old, so marks aren't read there.
func TestReplicaGivesNoMarks(t *testing.T) {
	server := ownRedis(t)
	s, redis := open(t, Config{URL: server.URL()}), raw(t, server.URL())
	readMark(t, s, 1)
	if err := redis.Do(t.Context(), "replicaof", "127.0.0.1", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if mark, quiet, err := s.Read(t.Context(), []uint64{1}); err == nil {
		t.Errorf("mark %x, quiet %t", mark, quiet)
	}
}

// world is the model: what PostgreSQL holds, who writes, and what was kept under which mark.
type world struct {
	store   *Store
	redis   *goredis.Client
	version [2]int            // of each tag's rows in PostgreSQL
	writing map[string]change // writes under way
	read    []reading         // reads that have their mark, but not yet their rows
	kept    []kept
	next    int
	lost    bool // writers were forgotten while they wrote
}

type change struct {
	tags      []uint64
	all       bool
	committed bool
}

type reading struct {
	tags  []uint64
	mark  uint64
	quiet bool
}

type kept struct {
	reading

	rows []int // the versions it was made of
}

// Whatever is written, read, kept, evicted and flushed in whatever order: what is kept under the mark of a quiet Read and is found
// fresh is what PostgreSQL holds, unless a write to it is under way that Redis has forgotten.
func TestLedgerModel(t *testing.T) {
	server := sharedRedis(t)
	redis := raw(t, server.URL())
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s := open(t, Config{URL: server.URL(), Namespace: namespaceOf(t) + fmt.Sprint(n)})
		defer s.Close()
		w := &world{store: s, redis: redis, writing: map[string]change{}}
		rt.Repeat(map[string]func(*rapid.T){
			"begin": w.begin, "commit": w.commit, "end": w.end, "read": w.startReading, "keep": w.keep, "forget": w.forget,
			"": w.check,
		})
	})
}

func drawTags(t *rapid.T) []uint64 {
	return rapid.SliceOfNDistinct(rapid.Uint64Range(0, 1), 1, 2, rapid.ID[uint64]).Draw(t, "tags")
}

func (w *world) begin(t *rapid.T) {
	c := change{tags: drawTags(t), all: rapid.IntRange(0, 4).Draw(t, "all") == 0}
	w.next++
	writer := fmt.Sprint(w.next)
	if err := w.store.Begin(context.Background(), writer, c.tags, c.all); err != nil {
		t.Fatal(err)
	}
	w.writing[writer] = c
}

func (w *world) draw(t *rapid.T) (string, change) {
	if len(w.writing) == 0 {
		t.Skip("nobody writes")
	}
	writers := make([]string, 0, len(w.writing))
	for writer := range w.writing {
		writers = append(writers, writer)
	}
	slices.Sort(writers)
	writer := rapid.SampledFrom(writers).Draw(t, "writer")
	return writer, w.writing[writer]
}

func (w *world) commit(t *rapid.T) {
	writer, c := w.draw(t)
	if c.committed {
		t.Skip("it is done")
	}
	for tag := range w.version {
		if c.all || slices.Contains(c.tags, uint64(tag)) {
			w.version[tag]++
		}
	}
	c.committed = true
	w.writing[writer] = c
}

func (w *world) end(t *rapid.T) {
	writer, c := w.draw(t)
	if err := w.store.End(context.Background(), writer, c.tags, c.all); err != nil {
		t.Fatal(err)
	}
	delete(w.writing, writer)
}

func (w *world) startReading(t *rapid.T) {
	r := reading{tags: drawTags(t)}
	var err error
	if r.mark, r.quiet, err = w.store.Read(context.Background(), r.tags); err != nil {
		t.Fatal(err)
	}
	w.read = append(w.read, r)
}

func (w *world) keep(t *rapid.T) {
	if len(w.read) == 0 {
		t.Skip("nobody reads")
	}
	i := rapid.IntRange(0, len(w.read)-1).Draw(t, "reading")
	r := w.read[i]
	w.read = slices.Delete(w.read, i, i+1)
	if !r.quiet {
		return
	}
	w.kept = append(w.kept, kept{reading: r, rows: w.rows(r.tags)})
}

func (w *world) rows(tags []uint64) []int {
	rows := make([]int, len(tags))
	for i, tag := range tags {
		rows[i] = w.version[tag]
	}
	return rows
}

// forget is eviction of any key, or of all.
func (w *world) forget(t *rapid.T) {
	keys := []string{}
	for i, n := range w.store.tagNames([]uint64{0, 1}, true) {
		if rapid.Bool().Draw(t, fmt.Sprint("version ", i)) {
			keys = append(keys, n.version)
		}
		if rapid.Bool().Draw(t, fmt.Sprint("writers ", i)) {
			keys = append(keys, n.writers)
			w.lost = w.lost || len(w.writing) > 0
		}
	}
	if len(keys) > 0 {
		w.redis.Del(context.Background(), keys...)
	}
}

// excused tells whether a write to the tags is under way that Redis may have forgotten. See the package documentation.
func (w *world) excused(tags []uint64) bool {
	for _, c := range w.writing {
		if w.lost && (c.all || slices.ContainsFunc(c.tags, func(tag uint64) bool { return slices.Contains(tags, tag) })) {
			return true
		}
	}
	return false
}

func (w *world) check(t *rapid.T) {
	for _, k := range w.kept {
		mark, _, err := w.store.Read(context.Background(), k.tags)
		if err != nil {
			t.Fatal(err)
		}
		if rows := w.rows(k.tags); mark == k.mark && !slices.Equal(rows, k.rows) && !w.excused(k.tags) {
			t.Fatalf("kept %v of tags %v is fresh, PostgreSQL has %v", k.rows, k.tags, rows)
		}
	}
}

// A Redis that refuses writes and answers reads must not have readers believe what a writer could not take back. One whose memory is
// full is told all the same; of one that takes no writes at all nothing is read.
func TestReadersDoNotBelieveARedisThatRefusesWriters(t *testing.T) {
	for _, c := range []struct{ name, setting, refusing, fine string }{
		{"memory is full", "maxmemory", "1", "0"},
		{"replicas are away", "min-replicas-to-write", "1", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := ownRedis(t)
			a, b, redis := open(t, Config{URL: server.URL()}), open(t, Config{URL: server.URL()}), raw(t, server.URL())
			before, _ := readMark(t, b, 1)
			set := func(value string) {
				t.Helper()
				if err := redis.ConfigSet(t.Context(), c.setting, value).Err(); err != nil {
					t.Fatal(err)
				}
			}
			believes := func() bool {
				mark, quiet, err := b.Read(t.Context(), []uint64{1})
				_, marked, quietToo, errToo := b.GetMarked(t.Context(), keyOf(1), []uint64{1})
				return err == nil && quiet && mark == before || errToo == nil && quietToo && marked == before
			}
			set(c.refusing)
			_ = a.Begin(t.Context(), "w", []uint64{1}, false)
			if believes() {
				t.Error("what was kept before is believed while the write is under way")
			}
			ended := a.End(t.Context(), "w", []uint64{1}, false)
			if believes() {
				t.Error("what was kept before is believed after the write")
			}
			set(c.fine)
			if ended != nil {
				end(t, a, "w", false, 1) // as whoever failed has to
			}
			if after, quiet := readMark(t, b, 1); after == before || !quiet {
				t.Errorf("mark %x, then %x; quiet %t", before, after, quiet)
			}
		})
	}
}
