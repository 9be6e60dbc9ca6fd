package storetest

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// keyOf returns a key as real ones are: the sum of something.
func keyOf(n int) cachestore.Key {
	return sha256.Sum256(fmt.Append(nil, "key ", n))
}

// entryOf returns an entry that differs from those of other n in every field, with one row of about size bytes.
func entryOf(n, size int) *cachestore.Entry { return cachestore.NewEntry(contentOf(n, size)) }

func contentOf(n, size int) cachestore.Content {
	return cachestore.Content{
		Statement: cachestore.NewStatement("select v from t where k = $1 -- "+fmt.Sprint(n%7), nil),
		Arguments: fmt.Sprintf("int8 %d", n),
		Rows:      rowset.Table([]string{"k", "v"}, [][]string{{fmt.Sprint(n), strings.Repeat("x", size)}}),
		Position:  uint64(n) + 1<<40,
		Tags:      []uint64{uint64(n), uint64(n) << 32, 7},
		ReadAt:    time.Now().Add(-time.Duration(n%60) * time.Second),
		Cost:      time.Duration(n+1) * time.Millisecond,
		Keep:      time.Hour + time.Duration(n)*time.Nanosecond,
	}
}

// aged returns an entry that was read age ago and is of use for keep.
func aged(n int, now time.Time, age, keep time.Duration) *cachestore.Entry {
	content := contentOf(n, 100)
	content.ReadAt, content.Keep = now.Add(-age), keep
	return cachestore.NewEntry(content)
}

// versionOf returns the n-th entry put under a key: the key's number is in the arguments, n in the position.
func versionOf(key, n int) *cachestore.Entry {
	content := contentOf(key, 20+n%200)
	content.Position = uint64(n)
	return cachestore.NewEntry(content)
}
