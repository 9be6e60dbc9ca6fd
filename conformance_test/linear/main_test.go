package linear_test

import (
	"os"
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		beReader(task)
		return
	}
	pgtest.Main(m)
}
