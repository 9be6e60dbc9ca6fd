package driver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// refreshable tells whether a request can be run again when its caller is gone: through no prepared statement, and with
// arguments that nobody can change.
func (r *request) refreshable(c *Conn) bool {
	return r.stmt == nil && c.prepared[r.text.sql] == 0 && argument.Constant(r.args)
}

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
	again.stmt = nil
	again.wishes.refresh = true
	started := c.background.run(func(ctx context.Context) {
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

// impersonate gives a new connection the settings of the user's own that a request was made with. It reports false when the
// connection is another session all the same, one whose entries can't be filled from here.
func (c *Conn) impersonate(ctx context.Context, r *request) (bool, error) {
	if id, err := c.identify(ctx); err != nil || id != r.verdict.identity {
		return false, err
	}
	for _, name := range r.verdict.settings {
		value := r.settings[name]
		if value == nil {
			continue
		}
		std, err := c.inner.conn(ctx)
		if err != nil {
			return false, err
		}
		c.forget()
		if _, err := std.Conn().Exec(ctx, "select pg_catalog.set_config($1, $2, false)", name, *value); err != nil {
			return false, err
		}
	}
	id, err := c.identify(ctx)
	return err == nil && id == r.verdict.identity, err
}

// refill runs a request again and reads it to its end.
func (c *cache) refill(ctx context.Context, r *request) (err error) {
	conn := newConn(c)
	defer func() { err = errors.Join(err, conn.Close()) }()
	if ok, err := conn.impersonate(ctx, r); !ok {
		return err
	}
	f, first := c.flights.join(r, &c.ledger)
	if !first {
		return nil
	}
	if !r.verdict.current(c) {
		f.giveUp()
		return nil
	}
	f.setOut(time.Now().Add(r.verdict.rule.Lock)) // the owner of the key is not waited for any longer
	entry, permit, busy := c.claim(ctx, r)
	f.setOut(time.Now())
	switch {
	case entry != nil:
		f.bring(entry)
		return nil
	case busy:
		f.giveUp()
		return nil
	}
	f.permit = permit
	return conn.leadToEnd(ctx, r, f)
}
