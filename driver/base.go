package driver

import (
	"context"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/cachestore"
)

// presentBase gives what a session is that is dialled now, or nil when it is to be found out. Where others than we dial it is found out
// again from time to time, in the background: defaults may have changed elsewhere, and what we dial ourselves tells of that by the way.
func (c *cache) presentBase() *session {
	base := c.base.Load()
	if base == nil || c.fresh == nil || cachestore.Now().Sub(base.at) < answerAge || !c.rebasing.CompareAndSwap(false, true) {
		return base
	}
	started := c.background.run(func(ctx context.Context) {
		defer c.rebasing.Store(false)
		if _, err := c.learnBase(ctx); err != nil {
			pause(ctx)
		}
	})
	if !started {
		c.rebasing.Store(false)
	}
	return base
}

// setBase says what a session is that was dialled after this count of schema changes, unless there were more.
func (c *cache) setBase(s *session, born uint64) {
	s.at = cachestore.Now()
	c.base.Store(s)
	if c.schema.Load() != born {
		c.base.CompareAndSwap(s, nil)
	}
}

// learnBase finds out what a session is that was just dialled, where the connections that we get may have been used by
// others before: from a pool's own configuration, once.
func (c *cache) learnBase(ctx context.Context) (*identity, error) {
	born := c.schema.Load()
	conn, err := c.fresh.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	s, err := c.readSession(ctx, conn.(*stdlib.Conn).Conn())
	if err != nil {
		return nil, err
	}
	c.setBase(s, born)
	return s.identity, nil
}
