package main

import (
	"context"
	"fmt"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/fleet"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/floor"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
)

// cases are listed so that what a case is held against stands before it.
type cases struct {
	*scene

	list []*measured
}

// add adds a case. What it is held against is of the same shape.
func (c *cases) add(way, shape string, db fleet.DB, from source, asker func() func() error, against ...string) *measured {
	m := &measured{way: way, shape: shape, asker: asker, connector: db.Connector, from: from, workers: 1}
	for _, other := range against {
		m.against = append(m.against, other+" "+shape)
	}
	c.list = append(c.list, m)
	return m
}

// reads adds a case that reads one result of a shape again and again.
func (c *cases) reads(ctx context.Context, way string, s *shape.Shape, db fleet.DB, from source, against ...string) *measured {
	return c.add(way, s.Name, db, from, func() func() error {
		ask := s.Ask(ctx, db.DB)
		return func() error { return ask(0) }
	}, against...)
}

// cases lists all. Most run without a context, as db.Query does; where one can end, as a request's can, database/sql and pgx watch
// it, and so do we.
func (s *scene) cases(canEnd context.Context) ([]*measured, error) {
	c := &cases{scene: s}
	ctx := context.WithoutCancel(canEnd)
	for _, s := range shape.All {
		if err := c.oneByOne(ctx, s); err != nil {
			return nil, err
		}
		if err := c.fromFleet(ctx, s); err != nil {
			return nil, err
		}
		c.followed(ctx, s)
	}
	for _, s := range []*shape.Shape{&shape.One, &shape.Thousand} {
		if err := c.underContext(canEnd, s); err != nil {
			return nil, err
		}
	}
	for _, workers := range []int{8, fleet.MostAtOnce} {
		if err := c.atOnce(ctx, workers); err != nil {
			return nil, err
		}
	}
	if err := c.throughLibraries(ctx); err != nil {
		return nil, err
	}
	c.firstRows(ctx, canEnd)
	return c.list, nil
}

// floor opens a database that has a result of a shape ready.
func (c *cases) floor(ctx context.Context, s *shape.Shape) (fleet.DB, error) {
	db, err := floor.Open(ctx, c.pgx.DB, s.SQL, s.Arg(0))
	return fleet.DB{DB: db}, err
}

// oneByOne has every way of one process.
func (c *cases) oneByOne(ctx context.Context, s *shape.Shape) error {
	least, err := c.floor(ctx, s)
	if err != nil {
		return err
	}
	c.reads(ctx, "floor", s, least, elsewhere)
	c.reads(ctx, "pgx", s, c.pgx, elsewhere)
	if c.socket.DB != nil {
		c.reads(ctx, "pgx, socket", s, c.socket, elsewhere, "pgx")
	}
	c.reads(ctx, "off", s, c.off, elsewhere, "pgx")
	c.reads(ctx, "hit", s, c.hit, memory, "floor", "pgx", "pgx, socket")
	c.reads(ctx, "miss", s, c.miss, server, "pgx")
	if c.socket.DB != nil {
		c.reads(ctx, "miss, socket", s, c.socketMiss, server, "pgx, socket")
	}
	return nil
}

// fromFleet has the hits that come from what a fleet shares. Several results take turns, or memory would have them.
func (c *cases) fromFleet(ctx context.Context, s *shape.Shape) error {
	if err := c.redis.Fill(ctx, s); err != nil {
		return err
	}
	owned, err := c.peers.Owned(ctx, s)
	if err != nil {
		return err
	}
	all := make([]int, fleet.Keys)
	for n := range all {
		all[n] = n
	}
	for _, tier := range []struct {
		way  string
		db   fleet.DB
		keys []int
	}{{"Redis hit", c.redis.Small, all}, {"peer hit", c.peers.Small, owned}} {
		next := 0
		c.add(tier.way, s.Name, tier.db, shared, func() func() error {
			ask := s.Ask(ctx, tier.db.DB)
			return func() error {
				next++
				return ask(tier.keys[next%len(tier.keys)])
			}
		}, "pgx", "hit")
	}
	return nil
}

// underContext has the ways that differ when a query's context can end.
func (c *cases) underContext(ctx context.Context, s *shape.Shape) error {
	least, err := c.floor(ctx, s)
	if err != nil {
		return err
	}
	c.reads(ctx, "floor, context", s, least, elsewhere)
	c.reads(ctx, "pgx, context", s, c.pgx, elsewhere)
	c.reads(ctx, "hit, context", s, c.hit, memory, "floor, context", "pgx, context")
	c.reads(ctx, "miss, context", s, c.miss, server, "pgx, context")
	return nil
}

// followed has the ways in which changes are followed. A strict hit of one row is held against a bare round trip.
func (c *cases) followed(ctx context.Context, s *shape.Shape) {
	c.reads(ctx, "tracked hit", s, c.tracked, memory, "floor", "hit")
	c.reads(ctx, "tracked miss", s, c.trackedMiss, server, "pgx", "miss")
	against := []string{"pgx", "hit"}
	if s == &shape.One {
		c.add("SELECT 1", s.Name, c.pgx, elsewhere, func() func() error {
			var one int
			return func() error { return c.pgx.QueryRowContext(ctx, "select 1").Scan(&one) }
		})
		against = append(against, "SELECT 1")
	}
	c.reads(ctx, "strict hit", s, c.strict, memory, against...)
}

// atOnce has goroutines that all ask for one row.
func (c *cases) atOnce(ctx context.Context, workers int) error {
	s := &shape.One
	least, err := c.floor(ctx, s)
	if err != nil {
		return err
	}
	suffix := fmt.Sprintf(", %d at once", workers)
	for _, m := range []*measured{
		c.reads(ctx, "floor"+suffix, s, least, elsewhere),
		c.reads(ctx, "pgx"+suffix, s, c.crowd.pgx, elsewhere),
		c.reads(ctx, "hit"+suffix, s, c.crowd.hit, memory, "floor"+suffix, "pgx"+suffix),
		c.reads(ctx, "strict hit"+suffix, s, c.crowd.strict, memory, "pgx"+suffix),
	} {
		m.workers = workers
	}
	return nil
}
