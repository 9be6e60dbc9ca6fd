package fanout

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"
	"time"
)

// unshared is the seat of a worker without a snapshot: the pool itself, which
// gives each query any connection.
type unshared struct{ *sql.DB }

func (unshared) mend(context.Context) bool { return true }

// snapshotSeat is one connection in a read-only transaction that sees the shared
// snapshot. The first seat exports the snapshot and is a worker like the others,
// so a run never holds a connection that does nothing; its transaction outlives
// the queue, as joining is only possible while the exporter's is open.
type snapshotSeat struct {
	db        *sql.DB
	id        string // of the exported snapshot
	savepoint bool   // go back to it after a failed query
	conn      *sql.Conn
}

// staffSnapshot opens the first seat, and lets the other workers join it while
// there are tasks left.
func (r *run) staffSnapshot(wg *sync.WaitGroup) {
	first := &snapshotSeat{db: r.group.DB, savepoint: r.group.KeepGoing}
	if err := first.enter(r.ctx, r.ctx); err != nil {
		if r.ctx.Err() == nil {
			r.fail(&SnapshotError{Step: "export", Err: err})
		}
		return
	}
	wg.Go(func() { r.workAt(first) })
	for range r.workers - 1 {
		wg.Go(func() { r.join(first.id) })
	}
}

// join opens one more seat. When that fails although it is still needed, the
// answers would be right but late, or the pool does not lead to one server:
// either way the caller should know.
func (r *run) join(id string) {
	s := &snapshotSeat{db: r.group.DB, id: id, savepoint: r.group.KeepGoing}
	err := s.enter(r.waiting, r.ctx)
	switch {
	case err == nil:
		r.workAt(s)
	case r.waiting.Err() != nil: // all tasks are taken, or the run has ended
	case r.group.KeepGoing:
		r.imports.Do(func() { r.importErr = &SnapshotError{Step: "import", Err: err} })
	default:
		r.fail(&SnapshotError{Step: "import", Err: err})
	}
}

func (r *run) workAt(s *snapshotSeat) {
	defer s.leave(r.parent)
	r.work(s)
}

// staleTries is how often a connection that turns out dead is replaced by another
// one, as database/sql does for statements on a pool.
const staleTries = 3

// enter takes a connection and begins the transaction on it: a new snapshot if the
// seat has no id, else the one of that id. The wait for a connection ends with
// waiting; the statements don't, as a cancelled statement costs the connection.
func (s *snapshotSeat) enter(waiting, ctx context.Context) error {
	var err error
	for range staleTries {
		if s.conn, err = s.db.Conn(waiting); err != nil {
			return err
		}
		if err = s.begin(ctx); err == nil {
			return nil
		}
		s.leave(ctx)
		if !errors.Is(err, driver.ErrBadConn) {
			return err
		}
	}
	return err
}

func (s *snapshotSeat) begin(ctx context.Context) error {
	if err := s.command(ctx, "begin transaction read only, isolation level repeatable read"); err != nil {
		return err
	}
	if s.id == "" {
		if err := s.conn.QueryRowContext(ctx, "select pg_export_snapshot()").Scan(&s.id); err != nil {
			return err
		}
	} else if err := s.command(ctx, "set transaction snapshot "+literal(s.id)); err != nil {
		return err
	}
	if !s.savepoint {
		return nil
	}
	return s.command(ctx, "savepoint fanout") // after the export: a subtransaction can't export
}

func (s *snapshotSeat) command(ctx context.Context, sql string) error {
	_, err := s.conn.ExecContext(ctx, sql)
	return err
}

// QueryContext runs a query in the seat's transaction.
func (s *snapshotSeat) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.conn.QueryContext(ctx, query, args...)
}

// mend goes back to before the failed query or, when the connection did not
// survive, joins again. That needs the exporter's transaction: without it the
// worker leaves and the others go on.
func (s *snapshotSeat) mend(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	if s.command(ctx, "rollback to savepoint fanout") == nil {
		return true
	}
	s.leave(ctx)
	return s.enter(ctx, ctx) == nil
}

// leaveWithin bounds the wait for a server that does not answer the last command.
const leaveWithin = 5 * time.Second

// leave ends the transaction even if ctx has ended, and gives the connection back.
// A connection whose transaction can't be ended is closed, never reused. Leaving
// twice does no harm.
func (s *snapshotSeat) leave(ctx context.Context) {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if s.command(ctx, "rollback") != nil {
		_ = s.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = s.conn.Close() // only says that it is closed already
	s.conn = nil
}

// literal quotes a string for SQL with either setting of standard_conforming_strings.
func literal(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if strings.Contains(s, `\`) {
		return "E'" + strings.ReplaceAll(s, `\`, `\\`) + "'"
	}
	return "'" + s + "'"
}
