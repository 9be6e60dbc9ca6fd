package memory

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// model is a Store beside the map that it must agree with: what a Get returns is what was last put under the key and
// has not expired. A Store may have less than the map only if it evicted something.
type model struct {
	store *Store
	now   time.Time
	last  map[cachestore.Key]*cachestore.Entry
}

func newModel(limit int64) *model {
	m := &model{now: time.Unix(1_700_000_000, 0), last: map[cachestore.Key]*cachestore.Entry{}}
	m.store = New(limit, WithClock(func() time.Time { return m.now }))
	return m
}

var statements = []*cachestore.Statement{
	cachestore.NewStatement(strings.Repeat("select 1 ", 10), sharedTags),
	cachestore.NewStatement(strings.Repeat("select 2 ", 50), nil),
	nil,
}

func (m *model) put(t *rapid.T) {
	key := m.key(t)
	content := cachestore.Content{
		Statement: rapid.SampledFrom(statements).Draw(t, "statement"),
		Arguments: strings.Repeat("a", rapid.IntRange(0, 40).Draw(t, "arguments")),

		Rows:   rowset.Table([]string{"c"}, [][]string{{strings.Repeat("x", m.rowBytes(t))}}),
		ReadAt: m.now.Add(-time.Duration(rapid.IntRange(0, 10).Draw(t, "age")) * time.Second),
		Keep:   time.Duration(rapid.IntRange(0, 60).Draw(t, "keep")) * time.Second,
	}
	if rapid.Bool().Draw(t, "tags") {
		content.Tags = sharedTags
	}
	entry := cachestore.NewEntry(content)
	if err := m.store.Put(context.Background(), key, entry); err != nil {
		t.Fatalf("Put: %v", err)
	}
	m.last[key] = entry
}

func (m *model) rowBytes(t *rapid.T) int {
	return rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 40_000)).Draw(t, "bytes")
}

func (m *model) key(t *rapid.T) cachestore.Key {
	return keyOf(rapid.IntRange(0, 200).Draw(t, "key"))
}

func (m *model) get(t *rapid.T) {
	key := m.key(t)
	got, err := m.store.Get(context.Background(), key)
	want := m.last[key]
	if want != nil && want.Expired(cachestore.InstantOf(m.now)) {
		want = nil
	}
	if err != nil || got != nil && got != want {
		t.Fatalf("Get gave %p, %v; the last entry put is %p", got, err, want)
	}
	if got == nil && want != nil && m.store.Stats().Evicted == 0 && want.Size()+useBytes+nodeBytes <= m.store.maxEntry {
		t.Fatal("an entry is gone although nothing was evicted")
	}
}

func (m *model) clear(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
		return
	}
	if err := m.store.Clear(context.Background()); err != nil {
		t.Fatalf("Clear: %v", err)
	}
	clear(m.last)
	if stats := m.store.Stats(); stats.Entries != 0 || stats.Bytes != 0 {
		t.Fatalf("after Clear: %+v", stats)
	}
}

func (m *model) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "seconds")) * time.Second)
}

// TestAgreesWithMap runs random operations, with limits from nothing up to more than all entries need.
func TestAgreesWithMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(rapid.SampledFrom([]int64{-1, 0, 1_000, 50_000, 300_000, 20 << 20}).Draw(t, "limit"))
		t.Repeat(map[string]func(*rapid.T){
			"put": m.put, "put2": m.put, "put3": m.put, "get": m.get, "clear": m.clear, "wait": m.wait,
			"": func(t *rapid.T) { checkInvariants(t, m.store) },
		})
	})
}
