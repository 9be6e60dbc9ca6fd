package driver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
)

// refresh sets off a fill in the background, on a connection of its own, unless one is under way for the entry or too many
// are. It is only ever set off by somebody who asks for the entry, so it stops when nobody does.
func (c *cache) refresh(r *request) {
	if c.flights.busy(r.key) {
		return
	}
	select {
	case c.refreshing <- struct{}{}:
	default:
		return
	}
	again := *r
	again.args = slices.Clone(r.args)
	again.arguments = slices.Clone(r.arguments)
	again.stmt = nil
	again.wishes.refresh = true
	started := c.goBackground(func(ctx context.Context) {
		defer func() { <-c.refreshing }()
		if err := c.refill(ctx, &again); err != nil && ctx.Err() == nil {
			c.warn(ctx, "pgcache: background fill failed", "rule", again.verdict.rule.Name, "error", err)
			pause(ctx)
		}
	})
	if !started {
		<-c.refreshing
	}
}

// refill runs a request again and reads it to its end.
func (c *cache) refill(ctx context.Context, r *request) (err error) {
	conn := newConn(c)
	defer func() { err = errors.Join(err, conn.Close()) }()
	if id, err := conn.identify(ctx); err != nil || id != r.verdict.identity {
		return err // another session's entry can't be filled from here
	}
	f, first := c.flights.join(r, &c.ledger)
	if !first {
		return nil
	}
	if !r.verdict.current(c) {
		f.land(tryAgain, nil, nil)
		return nil
	}
	rows, err := conn.lead(ctx, r, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	dest := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		err = rows.Next(dest)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
