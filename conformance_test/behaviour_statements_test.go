package conformance_test

import (
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestStmt prepares statements and uses them more than once.
func TestStmt(t *testing.T) {
	tests := []struct {
		name, sql string
		args      [][]any // of each use
		want      served
	}{
		{"without arguments", "select * from items order by id", [][]any{{}, {}}, hits(1, 2)},
		{"with one", "select * from items where id = $1", [][]any{{1}, {2}, {1}}, hits(1, 3)},
		{"with none that fits", "select name from items where id = $1", [][]any{{"x"}, {1}}, once},
		{"with NULL", "select name from items where id = $1", [][]any{{nil}, {(*int)(nil)}, {new(2)}}, hits(0, 3)},
		{"with too few", "select name from items where id = $1", [][]any{{}, {1}}, once},
		{"with too many", "select name from items where id = $1", [][]any{{1, 2}, {1}}, once},
		{"with a leading mode", "select name from items where id = $1", [][]any{{pgx.QueryExecModeExec, 1}, {1}}, once},
		{"that fails late", "select 1/(2 - id) from items order by id", [][]any{{}, {}}, never},
		{"that writes", "update items set name = name where id = $1 returning id", [][]any{{1}, {1}}, never},
		{"that is wrong", "selec", nil, never},
		{"of no such table", "select * from nothing", nil, never},
		{"of nothing", "", [][]any{{}}, never},
	}
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				p.both(t, test.want, func(s *subject) { s.prepared(test.sql, test.args) })
			})
		}
	})
}

// prepared uses a statement with each list of arguments, for queries and once to execute it, and then after its end.
func (s *subject) prepared(query string, uses [][]any) {
	stmt, err := s.db.PrepareContext(s.ctx, query)
	s.notef("prepared: %s", describeError(err))
	if err != nil {
		return
	}
	defer stmt.Close()
	for _, args := range uses {
		s.notef("arguments %s", describe(args))
		s.read(stmt.QueryContext(s.ctx, args...))
	}
	for _, args := range uses {
		s.outcome(stmt.ExecContext(s.ctx, args...))
	}
	s.notef("closed: %s", describeError(stmt.Close()))
	s.read(stmt.QueryContext(s.ctx)) //nolint:sqlclosecheck // that is the point
}

// TestStmtEverywhere uses one statement on a pinned connection, in a transaction, and on connections that it was not
// prepared on.
func TestStmtEverywhere(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, hits(2, 3), func(s *subject) {
			stmt, err := s.db.PrepareContext(s.ctx, "select name from items where id = $1")
			s.must(err)
			defer stmt.Close()
			s.read(stmt.QueryContext(s.ctx, 1))
			s.onConn(func(conn *sql.Conn) { // now the statement has to go to another connection
				s.query(conn, "select 1 for update")
				s.read(stmt.QueryContext(s.ctx, 1))
			})
			s.inTx(nil, func(tx *sql.Tx) {
				s.read(tx.StmtContext(s.ctx, stmt).QueryContext(s.ctx, 1))
			})
			s.read(stmt.QueryContext(s.ctx, 1))
		})
	})
}

// TestPreparedTextIsAQueryToo runs as a query what is prepared on the same connection: pgx uses the statement then.
func TestPreparedTextIsAQueryToo(t *testing.T) {
	const query = "select name from items where id = $1"
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			s.onConn(func(conn *sql.Conn) {
				s.query(conn, query, 1)
				s.query(conn, query, "1")
				stmt, err := conn.PrepareContext(s.ctx, query)
				s.must(err)
				s.query(conn, query, 1)
				s.query(conn, query, "1")
				s.must(stmt.Close())
				s.query(conn, query, 1)
				s.query(conn, query, "1")
			})
		})
	})
}

// TestConn uses a pinned connection, and one that has been given back.
func TestConn(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, hits(1, 2), func(s *subject) {
			conn, err := s.db.Conn(s.ctx)
			s.must(err)
			s.notef("ping: %s", describeError(conn.PingContext(s.ctx)))
			s.query(conn, "select * from items order by id")
			s.exec(conn, "listen something")
			s.query(conn, "select * from items order by id")
			s.exec(conn, "unlisten something")
			s.notef("closed: %s", describeError(conn.Close()))
			s.query(conn, "select * from items order by id")
			s.notef("closed again: %s", describeError(conn.Close()))
			s.notef("ping: %s", describeError(s.db.PingContext(s.ctx)))
		})
	})
}

// onConn runs a part of a script on a pinned connection.
func (s *subject) onConn(part func(*sql.Conn)) {
	conn, err := s.db.Conn(s.ctx)
	s.must(err)
	defer conn.Close()
	part(conn)
}

// inTx runs a part of a script in a transaction and commits it.
func (s *subject) inTx(opts *sql.TxOptions, part func(*sql.Tx)) {
	tx, err := s.db.BeginTx(s.ctx, opts)
	s.notef("begun: %s", describeError(err))
	if err != nil {
		return
	}
	defer tx.Rollback() // for a part that failed the test
	part(tx)
	s.notef("committed: %s", describeError(tx.Commit()))
	s.notef("rolled back after that: %s", describeError(tx.Rollback()))
}
