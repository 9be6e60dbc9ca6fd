package memory_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/cachestore/memory"
	"github.com/gopgcache/pgcache/internal/rowset"
)

func Example() {
	store := memory.New(64 << 20)
	defer store.Close()
	ctx := context.Background()

	statement, arguments := cachestore.NewStatement("select name from users where id = $1", nil), "int8 7"
	key := cachestore.Key(sha256.Sum256([]byte(statement.Text() + "\x00" + arguments)))
	err := store.Put(ctx, key, cachestore.NewEntry(cachestore.Content{
		Statement: statement,
		Arguments: arguments,
		Rows:      rowset.Table([]string{"name"}, [][]string{{"Ada"}}),
		ReadAt:    time.Now(),
		Keep:      10 * time.Minute,
	}))
	if err != nil {
		fmt.Println(err)
	}

	entry, err := store.Get(ctx, key)
	fmt.Println(entry.Statement(), "gives", entry.Rows().Len(), "row,", err)
	fmt.Println(store.Stats().Entries, "entry is kept")
	// Output:
	// select name from users where id = $1 gives 1 row, <nil>
	// 1 entry is kept
}

// An entry is of use for some time after it was read, not after it was put.
func ExampleWithClock() {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	store := memory.New(1<<20, memory.WithClock(func() time.Time { return now }))
	defer store.Close()

	key := cachestore.Key{1}
	_ = store.Put(context.Background(), key, cachestore.NewEntry(cachestore.Content{ReadAt: now, Keep: time.Minute}))
	for range 2 {
		entry, _ := store.Get(context.Background(), key)
		fmt.Println(entry != nil)
		now = now.Add(time.Minute)
	}
	// Output:
	// true
	// false
}
