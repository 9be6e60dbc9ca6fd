package redis_test

import (
	"fmt"
	"time"

	"github.com/gopgcache/pgcache/cachestore/redis"
)

// Opening makes no connection, so a Redis that is down is no reason not to start.
func ExampleOpen() {
	store, err := redis.Open(redis.Config{
		URL:       "rediss://app:secret@cache-1.example:6379,cache-2.example:6379",
		Namespace: "shop",
		Timeout:   20 * time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	fmt.Println(store.Counters().Failed)
	// Output: 0
}

func ExampleOpen_mistake() {
	_, err := redis.Open(redis.Config{URL: "redis://cache.example?databse=1"})
	fmt.Println(err)
	// Output:
	// pgcache: the URL of Redis has the unknown parameter "databse"; known are master, sentinel_user, sentinel_password, cluster, db, ca_file, cert_file, key_file and server_name
}
