package driver

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	manyTenants = 1000
	users       = 8 // goroutines
)

// A thousand tenants share a pool's connections, and nobody ever sees a row of another's.
func TestThousandTenants(t *testing.T) {
	var visits atomic.Int64
	visitTenants(t, func() bool { return visits.Add(1) <= 20_000 })
}

// visitTenants has users visit tenants as long as more says, each on a connection out of the pool that has been another
// tenant's before.
func visitTenants(t *testing.T, more func() bool) {
	owner, f := newTenancy(t)
	owner.exec(owner.plain, fmt.Sprintf(`truncate notes; insert into notes
		select g, (g %% %d)::text, 'note ' || g from generate_series(1, %d) g; create index on notes (tenant)`, manyTenants, 5*manyTenants))
	f.SetMaxOpenConns(users)
	var wg sync.WaitGroup
	var rows atomic.Int64
	for range users {
		wg.Go(func() {
			for more() && !t.Failed() {
				n, err := visitTenant(t.Context(), f.DB, skewed())
				if err != nil {
					t.Error(err)
				}
				rows.Add(n)
			}
		})
	}
	wg.Wait()
	s := f.connector.Stats()
	share := float64(s.Hits) / float64(s.Hits+s.Misses+s.Bypassed)
	t.Logf("%d rows, none foreign; %d hits, %d misses, %d bypassed: %.1f %% hits", rows.Load(), s.Hits, s.Misses, s.Bypassed, 100*share)
	if share < 0.8 {
		t.Errorf("only %.1f %% hits", 100*share)
	}
}

// skewed picks a tenant: some come more often than others.
func skewed() string {
	return strconv.Itoa(int(manyTenants * rand.Float64() * rand.Float64()))
}

// visitTenant makes a connection the tenant's, reads, and now and then writes. It counts the rows it saw.
func visitTenant(ctx context.Context, db *sql.DB, tenant string) (int64, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "select set_config('app.tenant', $1, false)", tenant); err != nil {
		return 0, err
	}
	var seen int64
	for range 5 {
		n, err := readNotes(ctx, conn, tenant)
		if err != nil {
			return seen, err
		}
		seen += n
	}
	if rand.IntN(1000) == 0 {
		_, err = conn.ExecContext(ctx, "update notes set body = body || '.' where tenant = $1", tenant)
	}
	return seen, err
}

// readNotes reads all notes that the session may see, and checks whose they are.
func readNotes(ctx context.Context, conn *sql.Conn, tenant string) (int64, error) {
	rows, err := conn.QueryContext(ctx, "select id, tenant, body from notes order by id")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var seen int64
	for rows.Next() {
		var id int
		var whose, body string
		if err := rows.Scan(&id, &whose, &body); err != nil {
			return seen, err
		}
		if whose != tenant {
			return seen, fmt.Errorf("tenant %s saw note %d of tenant %s", tenant, id, whose)
		}
		seen++
	}
	if seen != 5 && rows.Err() == nil {
		return seen, fmt.Errorf("tenant %s saw %d notes, not 5", tenant, seen)
	}
	return seen, rows.Err()
}
