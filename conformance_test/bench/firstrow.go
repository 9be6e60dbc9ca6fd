package main

import (
	"context"
	"errors"
	"time"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
)

// firstRows has how soon the first row of a large result is there, with a context that can't end and with one that can. A miss that
// read all of its result before it gave any of it would stand out.
func (c *cases) firstRows(ctx, canEnd context.Context) {
	c.firstRow(ctx, "first row, pgx", c.pgx, elsewhere)
	c.firstRow(ctx, "first row, miss", c.miss, server, "first row, pgx")
	c.firstRow(canEnd, "first row, pgx, context", c.pgx, elsewhere)
	c.firstRow(canEnd, "first row, miss, context", c.miss, server, "first row, pgx, context")
}

// firstRow adds a case that reads a result to its end, of which only the time until its first row counts.
func (c *cases) firstRow(ctx context.Context, way string, db fleet.DB, from source, against ...string) {
	s := &shape.FiveThousand
	var m *measured
	m = c.add(way, s.Name, db, from, func() func() error {
		into := []any{new(int64), new(int64)}
		return func() error {
			rows, err := db.QueryContext(ctx, s.SQL, s.Arg(0))
			if err != nil {
				return err
			}
			defer rows.Close()
			if !rows.Next() {
				return errors.Join(errors.New("no row"), rows.Err())
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			first := time.Now()
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
			m.uncounted += time.Since(first)
			return err
		}
	}, against...)
}
