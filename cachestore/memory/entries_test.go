package memory

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyOf returns a key as real ones are: evenly spread.
func keyOf(i int) cachestore.Key {
	return sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
}

var (
	sharedTags      = []uint64{1, 2, 3}
	sharedStatement = cachestore.NewStatement(strings.Repeat("select abalance from pgbench_accounts where aid = $1 ", 3), sharedTags)
)

// entryOf returns a fresh entry with one row of about size bytes. It shares its statement and its tags with all others.
func entryOf(size int) *cachestore.Entry { return cachestore.NewEntry(contentOf(size)) }

func contentOf(size int) cachestore.Content {
	return cachestore.Content{
		Statement: sharedStatement,
		Arguments: strings.Repeat("a", 12),
		Rows:      rowset.Table([]string{"abalance"}, [][]string{{strings.Repeat("x", size)}}),
		Tags:      sharedTags,
		ReadAt:    time.Now(),
		Keep:      time.Hour,
	}
}

// readAt returns entryOf(size) as if it had been read at another time.
func readAt(at time.Time, size int) *cachestore.Entry {
	content := contentOf(size)
	content.ReadAt = at
	return cachestore.NewEntry(content)
}

func put(t testing.TB, s *Store, key cachestore.Key, entry *cachestore.Entry) {
	t.Helper()
	if err := s.Put(context.Background(), key, entry); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

func get(t testing.TB, s *Store, key cachestore.Key) *cachestore.Entry {
	t.Helper()
	entry, err := s.Get(context.Background(), key)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return entry
}
