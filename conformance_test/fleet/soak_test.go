//go:build unix && soak

package fleet_test

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestSoakRedisFaults is TestRedisFaults with a fleet for each of them, the default timeout, and a minute, or what a part of the time
// that PGCACHE_SOAK says comes to, of each phase. Of each process it tells how long queries took.
func TestSoakRedisFaults(t *testing.T) {
	each := time.Minute
	if long, err := time.ParseDuration(os.Getenv("PGCACHE_SOAK")); err == nil {
		each = long / time.Duration(6*len(redisFaults)) // two feeds, three phases
	}
	for _, feed := range []string{"none", "wal"} {
		for _, fault := range redisFaults {
			t.Run(strings.ReplaceAll(fault.name, " ", "_")+"/"+feed, func(t *testing.T) {
				timeout := "50ms"
				if fault.bold {
					timeout = "10s" // then what takes long is told all the same
				}
				s := startScene(t, feed, timeout)
				fault.play(s, func() {
					<-time.After(each)
					s.turnsOf(everybody, 100)
				})
				s.leave(everybody)
			})
		}
	}
}
