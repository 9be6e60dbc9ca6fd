//go:build soak

package touch_test

import (
	"os"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// TestSoakStrictHits is TestStrictHitsDoNotLie again and again for as long as PGCACHE_SOAK says: make soak sets it.
func TestSoakStrictHits(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PGCACHE_SOAK"))
	if err != nil {
		t.Fatal("PGCACHE_SOAK is no time:", err)
	}
	hits, rounds := 0, 0
	for end := time.Now().Add(length); time.Now().Before(end); rounds++ {
		t.Run("", func(t *testing.T) {
			h, lies := stress(t, 50_000, func(f *freshness.Fill, tags []freshness.Tag, decide func(bool)) {
				f.Admit(freshness.Reads{Tables: tags, Tags: tags}, decide)
			})
			if lies > 0 {
				t.Errorf("%d of %d hits lied", lies, h)
			}
			hits += h
		})
	}
	t.Logf("%d hits in %d rounds, no lie", hits, rounds)
}
