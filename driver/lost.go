package driver

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

// unknownLasts is how long a write counts as under way whose connection broke behind a pooler: it has no number to ask for.
const unknownLasts = time.Minute

// The pauses between two looks at whether a lost session is gone.
const (
	firstLook = 20 * time.Millisecond
	laterLook = 2 * time.Second
)

// lose is called when a connection breaks over a statement that writes, or inside a transaction that has written. Nobody
// told us how it ended, and the server may still be at it: what it writes stays under way until the server process is
// gone. Only then can no commit come any more.
func (w *watch) lose() {
	c := w.conn
	if !w.open.write.Touched() && !w.open.schema {
		return
	}
	lost := w.open.hand()
	ended := func(ctx context.Context) {
		if !c.cache.outlive(ctx, lost.pid) && lost.pid != 0 {
			lost.told = publication{} // others see to it: they can ask whether the process is gone
		}
		lost.end(context.WithoutCancel(ctx))
	}
	if !c.cache.background.run(ended) {
		ended(c.cache.background.ctx)
	}
}

// outlive waits until the server has no process of this number any more. It reports false when the connector was closed before.
func (c *cache) outlive(ctx context.Context, pid uint32) bool {
	if pid == 0 {
		select {
		case <-ctx.Done():
		case <-time.After(unknownLasts):
		}
		return false
	}
	for pause := firstLook; ; pause = min(2*pause, laterLook) {
		if gone, err := c.gone(ctx, pid); err == nil && gone {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

// gone asks whether a session's server process has ended. The number of one that has may be another session's by now, which will end
// too, or in a container that of one of the server's own, which doesn't count.
func (c *cache) gone(ctx context.Context, pid uint32) (bool, error) {
	dialler := c.pgx
	if c.fresh != nil {
		dialler = c.fresh
	}
	conn, err := dialler.Connect(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	var gone bool
	const question = `select not exists (
		select from pg_catalog.pg_stat_activity
		where pid = $1 and usesysid is not null and coalesce(backend_type, 'client backend') = 'client backend')`
	err = conn.(*stdlib.Conn).Conn().QueryRow(ctx, question, int64(pid)).Scan(&gone)
	return gone, err
}
