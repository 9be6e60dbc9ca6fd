package sessions_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// patience bounds one step. Whoever waits for a lock gives up long before.
const patience = time.Minute

// player plays a trace in a database of its own, through one connector.
type player struct {
	world     *world
	server    *testenv.Server
	name      string // of the database
	plain     *sql.DB
	db        *sql.DB
	connector *driver.Connector
	sessions  []*session
	tally     *tally
	failed    bool // the latest read gave an error
}

// session is a connection that a player holds on to, or what stands for the pool's.
type session struct {
	conn  *sql.Conn
	tx    *sql.Tx
	open  bool // a transaction that was begun by a statement
	stmts map[string]*sql.Stmt
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// difference is an answer from the cache that PostgreSQL does not give.
type difference struct {
	op               op
	cached, uncached *outcome
	hit              bool
}

func (d *difference) Error() string {
	return fmt.Sprintf("%s\nthrough the cache (hit: %t):\n\t%s\npast the cache:\n\t%s", d.op, d.hit, d.cached, d.uncached)
}

// newPlayer makes the world's database, with the setup that is given, and opens it.
func newPlayer(t *testing.T, server *testenv.Server, w *world, setup []string, counts *tally) *player {
	t.Helper()
	p := &player{world: w, server: server, tally: counts}
	name, err := server.CreateDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	p.name = name
	p.plain = openPlain(t, server.DSN(name))
	p.setUp(t, setup)
	p.open(t)
	return p
}

func openPlain(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// setUp runs the setup. A statement may fail when others were left out.
func (p *player) setUp(t *testing.T, setup []string) {
	t.Helper()
	conn, err := p.plain.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range setup {
		_, err := conn.ExecContext(context.Background(), s)
		p.tally.setup(err)
	}
}

// open opens the database through a cache. What waits for a lock gives up soon: there is nobody else to let go of it.
func (p *player) open(t *testing.T) {
	t.Helper()
	u, err := url.Parse(p.server.DSN(p.name))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_query_exec_mode", p.world.mode)
	query.Set("pgcache_rule", p.world.rule)
	query.Set("pgcache_feed", "none") // every write goes through the one cache, which tells it
	query.Set("lock_timeout", "40ms")
	for _, s := range p.world.start {
		name, value, _ := strings.Cut(s, "=")
		query.Set(name, value)
	}
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	p.connector, err = driver.NewConnector(u.String())
	if err != nil {
		t.Fatal(err)
	}
	p.db = sql.OpenDB(p.connector)
	p.db.SetMaxIdleConns(100)
	for range p.world.conns {
		p.sessions = append(p.sessions, &session{})
	}
	p.sessions = append(p.sessions, &session{}) // the pool's
}

// close ends everything and drops the database.
func (p *player) close(t *testing.T) {
	t.Helper()
	for _, s := range p.sessions {
		s.leave()
	}
	if err := p.db.Close(); err != nil {
		t.Error(err)
	}
	p.forgetHalves()
	if err := p.plain.Close(); err != nil {
		t.Error(err)
	}
	if err := p.server.DropDatabase(context.Background(), p.name); err != nil {
		t.Fatal(err)
	}
}

// forgetHalves rolls back what was prepared and never ended: it would keep the database from being dropped.
func (p *player) forgetHalves() {
	ctx := context.Background()
	rows, err := p.plain.QueryContext(ctx, "select gid from pg_prepared_xacts where database = current_database()")
	if err != nil {
		return
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if rows.Scan(&name) == nil {
			names = append(names, name)
		}
	}
	for _, name := range names {
		_, _ = p.plain.ExecContext(ctx, "rollback prepared '"+name+"'")
	}
}

// of gives the session of a step.
func (p *player) of(o op) *session {
	if o.on == pool {
		return p.sessions[len(p.sessions)-1]
	}
	return p.sessions[o.on]
}

// queryer is what a session's statements are run on.
func (p *player) queryer(ctx context.Context, s *session, on int) (queryer, error) {
	switch {
	case s.tx != nil:
		return s.tx, nil
	case on == pool:
		return p.db, nil
	case s.conn != nil:
		return s.conn, nil
	}
	conn, err := p.db.Conn(ctx)
	s.conn = conn
	return conn, err
}

// play takes one step. It gives a difference if that shows one.
func (p *player) play(o op) *difference {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if o.form.bound {
		ctx, cancel = context.WithTimeout(ctx, patience)
	}
	defer cancel()
	s := p.of(o)
	if o.on == pool {
		defer s.closeStatements() // they would stay on a connection that another session may get
	}
	q, err := p.queryer(ctx, s, o.on)
	if err != nil {
		p.tally.step(o, err)
		return nil
	}
	if o.do == read {
		return p.compare(ctx, s, q, o)
	}
	err = p.act(ctx, s, q, o)
	p.tally.step(o, err)
	if dead(err) {
		s.leave()
	}
	return nil
}

// dead tells whether a session can't go on.
func dead(err error) bool {
	return errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// act takes a step that compares nothing.
func (p *player) act(ctx context.Context, s *session, q queryer, o op) error {
	if o.kind == "discard" {
		s.closeStatements() // pgx would not notice that they are gone
	}
	switch o.do {
	case exec:
		return s.exec(ctx, q, o)
	case call:
		return outcomeOf(q.QueryContext(ctx, o.sql, o.args...)).error()
	case peek:
		rows, err := q.QueryContext(ctx, o.sql, o.args...)
		if err != nil {
			return err
		}
		rows.Next()
		return errors.Join(rows.Err(), rows.Close())
	case execStmt:
		stmt, err := q.PrepareContext(ctx, o.sql)
		if err != nil {
			return err
		}
		defer stmt.Close()
		_, err = stmt.ExecContext(ctx, o.args...)
		return err
	case raw, copyIn:
		return p.actRaw(ctx, s, o)
	case begin:
		if s.conn == nil || s.tx != nil {
			return nil
		}
		tx, err := s.conn.BeginTx(ctx, nil)
		s.tx = tx
		return err
	case commit, rollback:
		return s.end(o.do)
	case renew:
		s.leave()
	case swap:
		s.giveBack()
	}
	return nil
}

func (s *session) exec(ctx context.Context, q queryer, o op) error {
	switch word, _, _ := strings.Cut(o.sql, " "); word {
	case "begin", "start":
		s.open = true
	case "commit", "rollback", "end", "abort", "prepare":
		s.open = strings.HasSuffix(o.sql, "chain") || s.open && (strings.HasPrefix(o.sql, "rollback to") || strings.HasPrefix(o.sql, "prepare p "))
	}
	_, err := q.ExecContext(ctx, o.sql, o.args...)
	return err
}

// actRaw works on pgx's own connection.
func (p *player) actRaw(ctx context.Context, s *session, o op) error {
	if s.tx != nil {
		return nil
	}
	conn := s.conn
	if o.on == pool {
		taken, err := p.db.Conn(ctx)
		if err != nil {
			return err
		}
		defer taken.Close()
		conn = taken
	}
	return conn.Raw(func(driverConn any) error {
		pgxConn, ok := driver.PgxConn(driverConn)
		if !ok {
			return errors.New("no connection of pgx's")
		}
		if o.do == raw {
			_, err := pgxConn.Exec(ctx, o.sql)
			return err
		}
		var rows [][]any
		for _, id := range o.args {
			rows = append(rows, []any{id, "t1", "alice", 7})
		}
		_, err := pgxConn.CopyFrom(ctx, strings.Split(o.sql, "."), []string{"id", "tenant", "owner", "n"}, pgx.CopyFromRows(rows))
		return err
	})
}

func (s *session) end(how verb) error {
	if s.tx == nil {
		return nil
	}
	tx := s.tx
	s.tx = nil
	if how == commit {
		return tx.Commit()
	}
	return tx.Rollback()
}

// leave ends the session.
func (s *session) leave() {
	_ = s.end(rollback)
	s.closeStatements()
	if s.conn != nil {
		_ = s.conn.Raw(func(any) error { return sqldriver.ErrBadConn })
		_ = s.conn.Close()
	}
	s.conn, s.open = nil, false
}

// giveBack gives the connection to the pool as it is.
func (s *session) giveBack() {
	_ = s.end(rollback)
	s.closeStatements()
	if s.conn != nil {
		_ = s.conn.Close()
	}
	s.conn, s.open = nil, false
}

func (s *session) closeStatements() {
	for _, stmt := range s.stmts {
		_ = stmt.Close()
	}
	s.stmts = nil
}
