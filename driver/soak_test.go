//go:build soak

package driver

import (
	"os"
	"testing"
	"time"
)

// TestSoakTenants is TestThousandTenants for as long as PGCACHE_SOAK says: make soak sets it.
func TestSoakTenants(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PGCACHE_SOAK"))
	if err != nil {
		t.Fatal("PGCACHE_SOAK is no time:", err)
	}
	end := time.Now().Add(length)
	visitTenants(t, func() bool { return time.Now().Before(end) })
}
