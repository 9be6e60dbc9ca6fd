package linear_test

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

const (
	ownRows       = 400
	ownGoroutines = 8
)

// owners write rows of their own through the cache, and read them at once, on whichever connection the pool gives them. Then
// they read somebody else's: it has to hold what its owner was told is written.
type owners struct {
	db *sql.DB
	// told holds the version of each row that its owner was last told is written.
	told  [ownRows]atomic.Int64
	pairs atomic.Int64
	stale atomic.Int64
	ended atomic.Pointer[error]
}

// openPlain opens a database with numbered rows at a level, and waits for its feed.
func openPlain(t *testing.T, dsn, level string, rows int) (*sql.DB, *driver.Connector) {
	t.Helper()
	conn := connect(t, dsn)
	execute(t, conn, "create table if not exists plain (id int primary key, version bigint not null)")
	execute(t, conn, "insert into plain select id, 0 from generate_series(0, $1 - 1) id on conflict do nothing", rows)
	install(t, dsn)
	connector, err := driver.NewConnector(through(dsn, level))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() { db.Close() })
	eventually(t, "a hit", func() bool {
		if _, err := plain(t.Context(), db, 0); err != nil {
			t.Fatal(err)
		}
		return connector.Stats().Hits > 0
	})
	return db, connector
}

// plain reads the version of a row.
func plain(ctx context.Context, db *sql.DB, id int) (version int64, err error) {
	err = db.QueryRowContext(ctx, "select version from plain where id = $1", id).Scan(&version)
	return version, err
}

// write gives a row a version in one of the ways to write.
func (o *owners) write(ctx context.Context, way, id int, version int64) error {
	const set = "update plain set version = $2 where id = $1"
	switch way {
	case 0:
		tx, err := o.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := tx.ExecContext(ctx, set, id, version); err != nil {
			return err
		}
		return tx.Commit()
	case 1:
		return o.db.QueryRowContext(ctx, set+" returning version", id, version).Scan(&version)
	default:
		_, err := o.db.ExecContext(ctx, set, id, version)
		return err
	}
}

// see reads a row, and counts if it is older than what was told.
func (o *owners) see(ctx context.Context, id int) error {
	least := o.told[id].Load()
	version, err := plain(ctx, o.db, id)
	if err == nil && version < least {
		o.stale.Add(1)
	}
	return err
}

// work is what the owner of every row that is number modulo ownGoroutines does, until there were enough pairs.
func (o *owners) work(ctx context.Context, number int, enough int64, dice *rand.Rand) error {
	for o.pairs.Add(1) <= enough && o.ended.Load() == nil {
		id := dice.IntN(ownRows/ownGoroutines)*ownGoroutines + number
		version := o.told[id].Load() + 1
		if err := o.write(ctx, dice.IntN(4), id, version); err != nil {
			return err
		}
		o.told[id].Store(version)
		if err := o.see(ctx, id); err != nil {
			return err
		}
		if err := o.see(ctx, dice.IntN(ownRows)); err != nil {
			return err
		}
	}
	return nil
}

// readOwnWrites writes and reads so many times.
func readOwnWrites(t *testing.T, pairs int64) {
	t.Helper()
	db, connector := openPlain(t, pgtest.Database(t), "tracked", ownRows)
	db.SetMaxOpenConns(ownGoroutines)
	db.SetMaxIdleConns(ownGoroutines)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	o := &owners{db: db}
	var running sync.WaitGroup
	for i := range ownGoroutines {
		running.Go(func() {
			if err := o.work(t.Context(), i, pairs, rand.New(rand.NewPCG(seed, uint64(i)))); err != nil {
				o.ended.CompareAndSwap(nil, &err)
			}
		})
	}
	running.Wait()
	if err := o.ended.Load(); err != nil {
		t.Fatal(*err)
	}
	s := connector.Stats()
	t.Logf("%d pairs, %d reads of other rows, %d stale; %d hits, %d misses, %d fills rejected", pairs, pairs, o.stale.Load(), s.Hits, s.Misses, s.RejectedFills)
	if o.stale.Load() > 0 {
		t.Errorf("%d reads did not see what this process had written", o.stale.Load())
	}
	if s.Hits < pairs/100 {
		t.Errorf("only %d hits", s.Hits)
	}
}

// At the level tracked a process reads what it wrote, on whichever connection.
func TestOwnWrites(t *testing.T) {
	if feed != "wal" {
		t.Skip("the touch log does not tell rows apart: beside so many writes nothing is answered from memory")
	}
	readOwnWrites(t, 4000)
}
