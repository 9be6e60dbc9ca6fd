package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/sync/errgroup"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/floor"
	"github.com/gopgcache/pgcache/driver"
)

const (
	read  = "select abalance from pgbench_accounts where aid = $1"
	write = "update pgbench_accounts set abalance = abalance + 1 where aid = $1"
)

// subject is the same database twice: plain, and through the cache. least is none, but an answer that is ready: what database/sql
// itself can do under the load.
type subject struct {
	options

	pgx, cached, least *sql.DB
	connector          *driver.Connector
}

func open(ctx context.Context, dsn string, o options) (*subject, error) {
	plain, err := sql.Open("pgx", dsn)
	if err != nil {
		return nil, err
	}
	params := url.Values{
		"pgcache_feed": {"wal"}, "pgcache_consistency": {"tracked"}, "pgcache_memory": {"512MB"}, "pgcache_rule": {"all: * ttl=1h"},
	}
	connector, err := driver.NewConnector(dsn + "&" + params.Encode())
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	s := &subject{options: o, pgx: plain, cached: sql.OpenDB(connector), connector: connector}
	s.least, err = floor.Open(ctx, plain, read, 1)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, db := range []*sql.DB{s.pgx, s.cached, s.least} {
		db.SetMaxIdleConns(o.workers)
	}
	if _, err := s.cached.ExecContext(ctx, "call pgcache.install()"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for connector.Stats().Feed != "wal" {
		if err := ask(ctx, s.cached, 1); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *subject) close() error {
	err := errors.Join(s.cached.Close(), s.pgx.Close())
	if s.least != nil {
		err = errors.Join(err, s.least.Close())
	}
	return err
}

func ask(ctx context.Context, db *sql.DB, aid uint64) error {
	var balance int64
	return db.QueryRowContext(ctx, read, int64(aid)).Scan(&balance)
}

// turn is what came of one turn.
type turn struct {
	took []time.Duration // of each query, sorted
	long time.Duration
}

func (t *turn) rate() float64      { return float64(len(t.took)) / t.long.Seconds() }
func (t *turn) p99() time.Duration { return t.took[len(t.took)*99/100] }

// measure has them take turns under a load of which a share writes, and gives a row of the table. What does nothing only reads.
func (s *subject) measure(ctx context.Context, share float64) (string, error) {
	before := s.connector.Stats()
	var plain, cached, least []*turn
	for n := range s.rounds {
		for _, who := range []struct {
			db    *sql.DB
			share float64
			turns *[]*turn
		}{{s.pgx, share, &plain}, {s.cached, share, &cached}, {s.least, 0, &least}} {
			t, err := s.play(ctx, who.db, who.share, uint64(n)+1, s.turn)
			if err != nil {
				return "", err
			}
			*who.turns = append(*who.turns, t)
		}
	}
	after := s.connector.Stats()
	hits := after.Hits + after.Coalesced - before.Hits - before.Coalesced
	reads := hits + after.Misses - before.Misses + after.Bypassed - before.Bypassed
	ratios := make([]float64, s.rounds)
	for i := range ratios {
		ratios[i] = cached[i].rate() / plain[i].rate()
	}
	slices.Sort(ratios)
	return fmt.Sprintf("| %.0f %% | %.0f | %v | %.0f | %v | %.1f %% | %.0f | %.2f |", 100*share,
		middle(plain, (*turn).rate), middle(plain, (*turn).p99), middle(cached, (*turn).rate), middle(cached, (*turn).p99),
		100*float64(hits)/float64(reads), middle(least, (*turn).rate), ratios[len(ratios)/2]), nil
}

func middle[T float64 | time.Duration](turns []*turn, of func(*turn) T) T {
	var list []T
	for _, t := range turns {
		list = append(list, of(t))
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// readAll reads each account once, so that the cache has what it has room for.
func (s *subject) readAll(ctx context.Context) error {
	var group errgroup.Group
	accounts := uint64(s.scale) * 100_000
	for w := range s.workers {
		group.Go(func() error {
			for aid := uint64(w) + 1; aid <= accounts; aid += uint64(s.workers) {
				if err := ask(ctx, s.cached, aid); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// play runs the load for a while. The same seed asks for the same keys.
func (s *subject) play(ctx context.Context, db *sql.DB, share float64, seed uint64, long time.Duration) (*turn, error) {
	var group errgroup.Group
	parts := make([][]time.Duration, s.workers)
	began := time.Now()
	until := began.Add(long)
	for w := range s.workers {
		group.Go(func() (err error) {
			parts[w], err = s.work(ctx, db, share, until, rand.New(rand.NewPCG(seed, uint64(w))))
			return err
		})
	}
	err := group.Wait()
	t := &turn{long: time.Since(began), took: slices.Concat(parts...)}
	slices.Sort(t.took)
	return t, err
}

// work asks one query after the other, and gives how long each took.
func (s *subject) work(
	ctx context.Context, db *sql.DB, share float64, until time.Time, random *rand.Rand,
) (took []time.Duration, err error) {
	keys := rand.NewZipf(random, 1.1, 8, uint64(s.scale)*100_000-1)
	for at := time.Now(); at.Before(until); {
		if random.Float64() < share {
			_, err = db.ExecContext(ctx, write, int64(1+keys.Uint64()))
		} else {
			err = ask(ctx, db, 1+keys.Uint64())
		}
		if err != nil {
			return nil, err
		}
		now := time.Now()
		took = append(took, now.Sub(at))
		at = now
	}
	return took, nil
}
