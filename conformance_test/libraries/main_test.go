// Package libraries_test runs a small bookshop on pgx and on pgcache with each of the libraries that programs reach
// PostgreSQL by. Each shop is written once, as its library's documentation says, and is told the driver's name and the
// connection string; what it sees on both drivers has to be the same. It reads everything twice, and on pgcache every
// statement of the second reading has to be answered from the cache.
package libraries_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests need one zone on every machine

	"go.uber.org/goleak"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	// Where the local zone is UTC, a time that got lost on its way to time.Local would not show.
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		panic(err)
	}
	time.Local = zone
	pgtest.Main(m,
		// These libraries start what nothing ends: scs its cleaning up, GORM its cache of statements.
		goleak.IgnoreAnyFunction("github.com/alexedwards/scs/v2/memstore.(*MemStore).startCleanup"),
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
	)
}

// noon is when everything in the shops happens.
var noon = time.Date(2024, 5, 6, 12, 0, 0, 123456000, time.UTC)
