package regress

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver"
)

const (
	// patience is the longest that a statement may take.
	patience = time.Minute
	// hung is when one that does not heed its context is given up, and the test with it.
	hung = patience + 30*time.Second
)

// side is one of the servers, and the session that the scripts run in.
type side struct {
	name  string
	db    *sql.DB
	conn  *sql.Conn
	stats func() driver.Stats // nil without a cache
	// watcher waits for sessions to be gone from the server. What a session sees, such as the name of the schema for its
	// temporary tables, depends on what else is connected.
	watcher *pgx.Conn

	mu      sync.Mutex
	notices []string
}

// openSide opens a database with one of the drivers. Sessions are not used twice: a script gets one of its own, as from psql.
func openSide(name, dsn string, watcher *pgx.Conn, cached bool) (*side, error) {
	s := &side{name: name, watcher: watcher}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.notice(n) }
	if !cached {
		s.db = stdlib.OpenDB(*config)
	} else {
		connector, err := driver.NewConnectorConfig(config, "pgcache_rule='all: * ttl=1h'")
		if err != nil {
			return nil, err
		}
		s.db, s.stats = sql.OpenDB(connector), connector.Stats
	}
	s.db.SetMaxIdleConns(0)
	return s, nil
}

func (s *side) notice(n *pgconn.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, fmt.Sprintf("%s %s: %s (detail %q, hint %q, where %q)",
		n.Severity, n.Code, n.Message, n.Detail, n.Hint, n.Where))
}

func (s *side) takeNotices() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.notices
	s.notices = nil
	return list
}

// connect begins a new session in place of the one that there may be.
func (s *side) connect(ctx context.Context) (err error) {
	if err := s.leave(ctx); err != nil {
		return err
	}
	s.conn, err = s.db.Conn(ctx)
	return err
}

// leave ends the session, and waits until the server is done with it.
func (s *side) leave(ctx context.Context) error {
	if s.conn == nil {
		return nil
	}
	_ = s.exec(ctx, "rollback")
	last := s.query(ctx, "select pg_backend_pid()")
	_ = s.conn.Close() // it may be broken: that is why there is to be a new one
	s.conn = nil
	if last.failure != "" {
		return nil
	}
	_, err := s.watcher.Exec(ctx, fmt.Sprintf(untilGone, last.first[0]))
	return err
}

// untilGone waits in the server.
const untilGone = `do $$begin
	while exists (select from pg_stat_activity where pid = %v) loop
		perform pg_sleep(0.002);
		perform pg_stat_clear_snapshot();
	end loop;
end$$`

func (s *side) close(ctx context.Context) error {
	return errors.Join(s.leave(ctx), s.db.Close(), s.watcher.Close(ctx))
}

// step does something with the session, and sees to it that it ends.
func (s *side) step(ctx context.Context, what string, do func(context.Context, *outcome)) *outcome {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer time.AfterFunc(hung, func() { panic(fmt.Sprintf("%s hangs at: %s", s.name, what)) }).Stop()
	o := new(outcome)
	func() {
		defer func() {
			if p := recover(); p != nil {
				o.failure = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
			}
		}()
		do(ctx, o)
	}()
	o.notices = s.takeNotices()
	return o
}

func (s *side) query(ctx context.Context, text string, args ...any) *outcome {
	return s.step(ctx, text, func(ctx context.Context, o *outcome) { o.readAll(s.conn.QueryContext(ctx, text, args...)) })
}

func (s *side) exec(ctx context.Context, text string, args ...any) *outcome {
	return s.step(ctx, text, func(ctx context.Context, o *outcome) { o.executed(s.conn.ExecContext(ctx, text, args...)) })
}

// copyIn runs COPY ... FROM STDIN, and tells whether the server wanted the data.
func (s *side) copyIn(ctx context.Context, text, data string) (*outcome, bool) {
	r := &wanted{Reader: strings.NewReader(data)}
	o := s.step(ctx, text, func(ctx context.Context, o *outcome) {
		s.raw(o, func(conn *pgconn.PgConn) (pgconn.CommandTag, error) { return conn.CopyFrom(ctx, r, text) })
	})
	return o, r.wanted
}

// copyOut runs COPY ... TO STDOUT.
func (s *side) copyOut(ctx context.Context, text string) *outcome {
	return s.step(ctx, text, func(ctx context.Context, o *outcome) {
		var data strings.Builder
		s.raw(o, func(conn *pgconn.PgConn) (pgconn.CommandTag, error) { return conn.CopyTo(ctx, &data, text) })
		o.rows = [][]string{{data.String()}}
	})
}

// raw does something with the connection below pgx.
func (s *side) raw(o *outcome, do func(*pgconn.PgConn) (pgconn.CommandTag, error)) {
	err := s.conn.Raw(func(driverConn any) error {
		conn, ok := driver.PgxConn(driverConn)
		if !ok {
			return fmt.Errorf("no connection in a %T", driverConn)
		}
		tag, err := do(conn.PgConn())
		o.done = tag.String()
		o.fail(err)
		return nil
	})
	if err != nil {
		o.fail(err)
	}
}

// state is how the session of a plain side stands: whether it is alive, in a transaction ('I' when not), and takes
// backslashes in plain literals for escapes.
func (s *side) state() (alive bool, tx byte, escapes bool) {
	err := s.conn.Raw(func(driverConn any) error {
		conn, ok := driver.PgxConn(driverConn)
		if ok && !conn.IsClosed() {
			alive, tx = true, conn.PgConn().TxStatus()
			escapes = conn.PgConn().ParameterStatus("standard_conforming_strings") == "off"
		}
		return nil
	})
	return alive && err == nil, tx, escapes
}

// wanted is a reader that knows whether anybody read.
type wanted struct {
	io.Reader

	wanted bool
}

func (w *wanted) Read(p []byte) (int, error) {
	w.wanted = true
	return w.Reader.Read(p)
}
