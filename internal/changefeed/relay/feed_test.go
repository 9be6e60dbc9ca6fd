package relay

import (
	"slices"
	"testing"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// Eight processes have one slot, and every one of them is told every commit, in the order of commits, with the same tags.
func TestFleetHasOneSlot(t *testing.T) {
	dsn, c := database(t)
	transport := new(memory)
	all := fleet(t, dsn, 8, func() Transport { return transport })
	if n := get[int](t, c, slots); n != 1 {
		t.Errorf("%d processes have %d slots", len(all), n)
	}
	for n := range 200 {
		exec(t, c, "begin")
		if _, err := c.Exec(t.Context(), "insert into t values ($1, 0)", n); err != nil {
			t.Fatal(err)
		}
		exec(t, c, "commit")
	}
	leads, others := leaderOf(t, all)
	leads.catchUp(t, c)
	var want []freshness.Commit
	leads.look(func(s *state) { want = s.commits })
	if len(want) != 200 {
		t.Fatalf("the leader was told %d commits", len(want))
	}
	for _, p := range others {
		p.catchUp(t, c)
		p.look(func(s *state) {
			if !slices.EqualFunc(s.commits, want, func(a, b freshness.Commit) bool {
				return a.Position == b.Position && a.XID == b.XID && a.Everything == b.Everything && slices.Equal(a.Tags, b.Tags)
			}) {
				t.Errorf("a follower was told %d commits, and not what the leader was told", len(s.commits))
			}
			if len(s.losses) > 0 {
				t.Errorf("losses %q", s.losses)
			}
		})
	}
	if n := get[int](t, c, slots); n != 1 {
		t.Errorf("%d processes have %d slots", len(all), n)
	}
	for _, p := range all {
		p.stop()
	}
	if n := get[int](t, c, slots); n != 0 {
		t.Errorf("%d slots are left", n)
	}
}
