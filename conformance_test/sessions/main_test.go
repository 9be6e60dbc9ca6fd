package sessions_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests need one zone on every machine

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	// Where the local zone is UTC, a time that got lost on its way to time.Local would not show.
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		panic(err)
	}
	time.Local = zone
	pgtest.Main(m)
}
