package linear_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// left waits until the server has no replication slot and no session but this one.
func left(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	eventually(t, "an end of slots and sessions", func() bool {
		return ask[int](t, conn, `select (select count(*) from pg_replication_slots) + count(*) from pg_stat_activity
			where backend_type in ('client backend', 'walsender') and pid <> pg_backend_pid()`) == 0
	})
}

// A program that ends, however it ends, leaves no slot, which would hold back WAL, and no session.
func TestNothingIsLeft(t *testing.T) {
	server := pgtest.OwnWith(t, testenv.Options{})
	dsn := server.DSN("")
	prepare(t, dsn)
	conn := connect(t, dsn)
	begin := func() *process {
		p := startProcess(t, os.Args[0], task{DSN: through(dsn, "strict"), Goroutines: 2, Seed: 1, Enough: 100})
		p.await(t, "enough")
		if slots := ask[int](t, conn, "select count(*) from pg_replication_slots"); feed == "wal" && slots != 1 {
			t.Fatalf("%d slots of a reader", slots)
		}
		return p
	}
	t.Run("after Close", func(t *testing.T) {
		begin().stop(t)
		left(t, conn)
	})
	t.Run("after kill -9", func(t *testing.T) {
		if err := begin().cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		left(t, conn)
	})
}
