package driver

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
)

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
	pid := c.inner.dialled().PgConn().PID()
	lost := w.open.hand()
	if !c.cache.background.run(func(ctx context.Context) { c.cache.outlive(ctx, pid); lost.end() }) {
		lost.end()
	}
}

// outlive waits until the server has no process of this number any more. It returns early when the connector is closed.
func (c *cache) outlive(ctx context.Context, pid uint32) {
	for pause := firstLook; ; pause = min(2*pause, laterLook) {
		if gone, err := c.gone(ctx, pid); err == nil && gone {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// gone asks whether a server process has ended.
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
	const question = "select not exists (select from pg_catalog.pg_stat_activity where pid = $1)"
	err = conn.(*stdlib.Conn).Conn().QueryRow(ctx, question, int64(pid)).Scan(&gone)
	return gone, err
}
