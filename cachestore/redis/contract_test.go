package redis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/storetest"
)

// Values are sealed here; what a Cluster keeps isn't.
func TestContract(t *testing.T) {
	storetest.Exercise(t, func(t *testing.T) cachestore.Store {
		return open(t, Config{URL: sharedRedis(t).URL(), KeyFile: keyFile(t, strings.Repeat("5a", 32))})
	}, storetest.Elsewhere(time.Minute))
}

// keyFile writes a file for Config.KeyFile.
func keyFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
