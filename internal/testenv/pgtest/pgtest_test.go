package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func databaseOf(t *testing.T, dsn string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	// Left open: the drop at the end of the test must not mind. Closed after it.
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	var name string
	if err := conn.QueryRow(t.Context(), "select current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDatabaseIsTheTestsOwn(t *testing.T) {
	names := map[string]bool{}
	for range 3 {
		t.Run("one", func(t *testing.T) {
			names[databaseOf(t, pgtest.Database(t))] = true
		})
	}
	if len(names) != 3 {
		t.Errorf("three tests used %d databases: %v", len(names), names)
	}
	for name := range names {
		conn, err := pgx.Connect(t.Context(), pgtest.Postgres(t).DSN(name))
		if err == nil {
			t.Errorf("%s is still there", name)
			_ = conn.Close(t.Context())
		}
	}
}

func TestOwnIsNotTheSharedServer(t *testing.T) {
	if own, shared := pgtest.Own(t), pgtest.Postgres(t); own == shared || own.DSN("") == shared.DSN("") {
		t.Error("a test's own server is everybody's")
	}
}

func TestOwnRedisStops(t *testing.T) {
	if err := pgtest.OwnRedis(t).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}
