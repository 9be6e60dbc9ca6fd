//go:build unix

package fleet_test

import (
	"os"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		beMember(task)
		return
	}
	pgtest.Main(m)
}
