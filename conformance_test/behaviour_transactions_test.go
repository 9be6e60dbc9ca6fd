package conformance_test

import (
	"database/sql"
	"strings"
	"testing"
)

// TestIsolation begins transactions with every level, the impossible ones included.
func TestIsolation(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		for level := sql.LevelDefault; level <= sql.LevelLinearizable+1; level++ {
			for _, readOnly := range []bool{false, true} {
				p.both(t, never, func(s *subject) {
					s.inTx(&sql.TxOptions{Isolation: level, ReadOnly: readOnly}, func(tx *sql.Tx) {
						s.query(tx, "show transaction_isolation")
						s.query(tx, "show transaction_read_only")
						s.query(tx, "select * from items order by id")
						s.exec(tx, "update items set name = name")
						s.query(tx, "select * from items order by id")
					})
				})
			}
		}
	})
}

// TestTransactionsSeeTheirOwnWrites reads inside and outside of transactions that are committed or rolled back. Inside,
// nothing comes from the cache; outside, nothing does that was written inside.
func TestTransactionsSeeTheirOwnWrites(t *testing.T) {
	const query = "select id, name from items order by id"
	ends := map[string]func(*sql.Tx) error{"commit": (*sql.Tx).Commit, "rollback": (*sql.Tx).Rollback}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			inEveryMode(t, shop, func(t *testing.T, p *pair) {
				// Outside: one read before, three while the transaction is open, one after. Of the table that is written
				// nothing is kept meanwhile; the last read of each run serves the first of the next.
				p.both(t, hits(0, 0), func(s *subject) {
					s.query(s.db, query)
					tx, err := s.db.BeginTx(s.ctx, nil)
					s.must(err)
					s.query(tx, query)
					s.exec(tx, "insert into items values (4, 'new')")
					s.query(s.db, query)
					s.query(tx, query)
					s.exec(tx, "delete from items where id = 4")
					s.query(s.db, query)
					s.query(tx, query)
					s.exec(tx, "update items set name = upper(name)")
					s.query(s.db, query)
					s.query(tx, query)
					s.notef("%s: %s", name, describeError(end(tx)))
					s.query(s.db, query)
					s.do(s.db, "update items set name = lower(name)")
				})
			})
		})
	}
}

// TestReadsOutsideAreCached shows that the test above could fail: a transaction that only reads takes nothing from the
// cache, and leaves it alone.
func TestReadsOutsideAreCached(t *testing.T) {
	const query = "select id, name from items order by id"
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, hits(1, 2), func(s *subject) {
			s.query(s.db, query)
			s.inTx(nil, func(tx *sql.Tx) { s.query(tx, query); s.query(tx, query) })
			s.query(s.db, query)
		})
	})
}

// TestAbortedTransaction goes on after an error in a transaction.
func TestAbortedTransaction(t *testing.T) {
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		seen := p.both(t, hits(0, 0), func(s *subject) {
			s.inTx(nil, func(tx *sql.Tx) {
				s.exec(tx, "insert into items values (1, 'again')")
				s.query(tx, "select * from items")
				s.exec(tx, "update items set name = 'never'")
			})
			s.query(s.db, "select name from items where name = 'never'")
			s.do(s.db, "update items set name = name")
		})
		if !strings.Contains(seen, "Code:25P02") {
			t.Errorf("the transaction was not aborted: %s", seen)
		}
	})
}

// TestRawTransactions begins and ends transactions by SQL, with savepoints, behind database/sql's back.
func TestRawTransactions(t *testing.T) {
	const query = "select id, name from items order by id"
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			s.query(s.db, query)
			s.onConn(func(conn *sql.Conn) {
				for _, step := range []string{
					"begin", "insert into items values (4, 'four')", "savepoint a", "delete from items", "rollback to a",
					"release a", "commit and chain", "delete from items where id = 4", "rollback", "start transaction read only",
					"update items set name = ''", "abort", "delete from items where id = 4",
				} {
					s.exec(conn, step)
					s.query(conn, query)
					s.query(s.db, query)
				}
			})
		})
	})
}

// TestOpenTransactionIsNotReused gives a connection back with a transaction open on it.
func TestOpenTransactionIsNotReused(t *testing.T) {
	const query = "select id, name from items order by id"
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			s.onConn(func(conn *sql.Conn) {
				s.do(conn, "begin")
				s.do(conn, "delete from items")
				s.query(conn, query)
			})
			s.query(s.db, query)
			s.query(s.db, "select count(*) from items")
		})
	})
}

// TestFinishedTransaction uses a transaction after its end.
func TestFinishedTransaction(t *testing.T) {
	p := open(t, database(t, shop))
	p.both(t, never, func(s *subject) {
		tx, err := s.db.BeginTx(s.ctx, nil)
		s.must(err)
		s.must(tx.Rollback())
		s.query(tx, "select 1")
		s.exec(tx, "select 1")
		_, err = tx.PrepareContext(s.ctx, "select 1")
		s.notef("%s", describeError(err))
		s.notef("%s", describeError(tx.Commit()))
	})
}
