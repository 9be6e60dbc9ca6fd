package pgbench

import (
	"testing"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database is an empty one on the shared server of the tests.
func database(t *testing.T) *Database {
	t.Helper()
	d, err := On(t.Context(), pgtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
