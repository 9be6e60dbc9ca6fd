package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"

	"github.com/gopgcache/pgcache/driver"
)

// mostAtOnce is how many connections are kept, or pgx would dial all the time.
const mostAtOnce = 64

const (
	rows  = 1000
	byKey = "select id, v from keyed where id = $1"
)

// subject is one database, seen through pgx and at the level strict.
type subject struct {
	pgx, strict *sql.DB
	connector   *driver.Connector
}

func open(ctx context.Context, dsn string) (s *subject, err error) {
	s = new(subject)
	if s.pgx, err = sql.Open("pgx", dsn); err != nil {
		return nil, err
	}
	const tables = "create extension pg_stat_statements; create table keyed as select id, id as v from generate_series(1, 1000) id; " +
		"alter table keyed add primary key (id)"
	if _, err := s.pgx.ExecContext(ctx, tables); err != nil {
		return nil, err
	}
	if s.connector, err = driver.NewConnector(dsn + "&pgcache_feed=wal&pgcache_consistency=strict&pgcache_rule=all:+*+ttl=1h"); err != nil {
		return nil, err
	}
	s.strict = sql.OpenDB(s.connector)
	s.pgx.SetMaxIdleConns(mostAtOnce)
	s.strict.SetMaxIdleConns(mostAtOnce)
	if _, err := s.strict.ExecContext(ctx, "call pgcache.install()"); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *subject) close() { _ = errors.Join(s.strict.Close(), s.pgx.Close()) }

// samples are what the turns of one query have come to.
type samples struct {
	times  []time.Duration // of each query
	counts []float64       // queries per second, of each turn
}

func (s *samples) p50() time.Duration {
	slices.Sort(s.times)
	return s.times[len(s.times)/2]
}

// take has so many goroutines query for a turn.
func (s *samples) take(workers int, turn time.Duration, query func(key int) error) error {
	var mu sync.Mutex
	var group errgroup.Group
	began := time.Now()
	before := len(s.times)
	for w := range workers {
		group.Go(func() error {
			var mine []time.Duration
			for n := w * rows / workers; time.Since(began) < turn; n++ {
				asked := time.Now()
				if err := query(1 + n%rows); err != nil {
					return err
				}
				mine = append(mine, time.Since(asked))
			}
			mu.Lock()
			defer mu.Unlock()
			s.times = append(s.times, mine...)
			return nil
		})
	}
	err := group.Wait()
	s.counts = append(s.counts, float64(len(s.times)-before)/time.Since(began).Seconds())
	return err
}

// measure gives a row of the table.
func (s *subject) measure(ctx context.Context, workers, rounds int, turn time.Duration) (row string, err error) {
	read := func(db *sql.DB) func(int) error {
		return func(key int) error {
			var id, v int
			return db.QueryRowContext(ctx, byKey, key).Scan(&id, &v)
		}
	}
	one := func(int) error {
		var one int
		return s.pgx.QueryRowContext(ctx, "select 1").Scan(&one)
	}
	if err := s.warmUp(read(s.strict)); err != nil {
		return "", err
	}
	var trip, keyed, hits samples
	var asked, answered, barriers int64
	for range rounds {
		if err := errors.Join(trip.take(workers, turn, one), keyed.take(workers, turn, read(s.pgx))); err != nil {
			return "", err
		}
		before, err := s.barriers(ctx)
		if err != nil {
			return "", err
		}
		n, stats := len(hits.times), s.connector.Stats()
		if err := hits.take(workers, turn, read(s.strict)); err != nil {
			return "", err
		}
		after, err := s.barriers(ctx)
		if err != nil {
			return "", err
		}
		asked += int64(len(hits.times) - n)
		answered += s.connector.Stats().Hits - stats.Hits
		barriers += after - before
	}
	return fmt.Sprintf("%v | %v | %v | %.2f | %.0f | %.0f | %.1f | %.1f %% | %.1f", trip.p50(), keyed.p50(), hits.p50(),
		float64(hits.p50())/float64(trip.p50()), median(keyed.counts), median(hits.counts), ratio(hits.counts, keyed.counts),
		100*float64(answered)/float64(asked), float64(asked)/float64(max(1, barriers))), nil
}

// warmUp reads all rows until they are answered from memory.
func (s *subject) warmUp(read func(int) error) error {
	for began := time.Now(); ; {
		hits := s.connector.Stats().Hits
		for key := range rows {
			if err := read(1 + key); err != nil {
				return err
			}
		}
		if s.connector.Stats().Hits-hits > rows*9/10 {
			return nil
		}
		if time.Since(began) > time.Minute {
			return fmt.Errorf("few hits: %+v", s.connector.Stats())
		}
	}
}

// barriers is how many the server was asked for. What a fill asks counts with them, whichever text came first, so nothing is filled
// meanwhile.
func (s *subject) barriers(ctx context.Context) (n int64, err error) {
	const sql = "select coalesce(sum(calls), 0)::int8 from pg_stat_statements " +
		"where query like 'select %pg_current_snapshot(), %pg_current_wal_insert_lsn()'"
	return n, s.pgx.QueryRowContext(ctx, sql).Scan(&n)
}

// ratio is the median of the ratios.
func ratio(a, b []float64) float64 {
	list := make([]float64, len(a))
	for i := range a {
		list[i] = a[i] / b[i]
	}
	return median(list)
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
