package conformance_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/driver"
)

// sessions is a shop whose names and values mean something else in another session.
const sessions = shop + `
	create schema other;
	create table other.items (id int, name text);
	insert into other.items values (7, 'other');
	create table moments (id int, at timestamptz, span tstzrange, day date, step interval, share float8, bits bytea);
	insert into moments values (1, '2024-07-01 12:00+00', '[2024-07-01 12:00+00,2024-12-01 12:00+00)', '2024-07-01', '1 day 2 hours', 1.0/3, '\xff');
	grant usage on schema public to pg_monitor;
	create table policed (id int, owner name);
	insert into policed values (1, 'pg_monitor'), (2, 'pg_read_all_stats');
	alter table policed enable row level security;
	create policy own on policed using (owner = current_user);
	grant select on policed to pg_monitor, pg_read_all_stats;
	create table granted (id int);
	insert into granted values (1);
	grant select on granted to pg_signal_backend;
`

// TestSessionState changes the state of one session, which another must not notice, and changes it back. In each state
// both read twice, and each of them must get its own session's answer.
func TestSessionState(t *testing.T) {
	const (
		items   = "select id, name from items order by id"
		moments = "select * from moments"
		policed = "select id from policed order by id"
	)
	tests := []struct {
		name, sql string
		change    []string
		sees      string // is in what pgx shows
	}{
		{"search_path", items, []string{"set search_path to other", "set search_path to public, other", "reset search_path"}, `string("other")`},
		{"search_path by function", items, []string{"select set_config('search_path', 'other', false)", "reset search_path"}, `string("other")`},
		{"search_path in a DO block", items, []string{"do $$ begin set search_path to other; end $$", "reset search_path"}, `string("other")`},
		{"search_path that is refused", items, []string{"set search_path to ''''", "set search_path = ", "reset search_path"}, "Code:42601"},
		{"time zone", moments, []string{"set time zone 'America/New_York'", "set timezone to 'Asia/Kathmandu'", "set time zone default"}, "-04"},
		{"time zone as text", "select at::text, to_char(at, 'HH24') from moments", []string{"set time zone 'America/New_York'", "set time zone default"}, "08:00:00-04"},
		{"date style", moments, []string{"set datestyle to 'German'", "reset datestyle"}, ""},
		{"interval style", moments, []string{"set intervalstyle to 'iso_8601'", "reset intervalstyle"}, "P1DT2H"},
		{"digits of floats", "select share, share::text, array[share] from moments", []string{"set extra_float_digits to -10", "reset extra_float_digits"}, "0.33333"},
		{"bytea as text", "select bits::text, array[bits] from moments", []string{"set bytea_output to 'escape'", "reset bytea_output"}, `\\377`},
		{"a role without privileges", items, []string{"set role pg_monitor", "reset role"}, "Code:42501"},
		{"a role that is refused", items, []string{"set role nobody_at_all", "reset role"}, "Code:22023"},
		{"authorization", items, []string{"set session authorization pg_monitor", "reset session authorization"}, "Code:42501"},
		{"authorization of one who may and one who may not", "select id from granted", []string{"set session authorization pg_signal_backend", "set session authorization pg_monitor", "reset session authorization"}, "Code:42501"},
		{"row security", policed, []string{"set role pg_monitor", "set role pg_read_all_stats", "reset role"}, "int64(2)"},
		{"a temporary table", items, []string{"create temp table items (id int, name text)", "insert into items values (8, 'temporary')", "drop table pg_temp.items"}, `string("temporary")`},
		{"a temporary view", items, []string{"create temp view items as select id + 10 as id, name from public.items", "drop view pg_temp.items"}, "int64(11)"},
		{"a local setting", items, []string{"begin", "set local search_path to other", "commit"}, `string("other")`},
		{"a setting rolled back", items, []string{"begin", "set search_path to other", "rollback"}, `string("other")`},
		{"everything", items, []string{"set search_path to other", "reset all"}, `string("other")`},
		{"discarding", items, []string{"set search_path to other", "discard plans", "discard temp", "reset search_path"}, `string("other")`},
		{"an advisory lock", items, []string{"select pg_advisory_lock(1)", "select pg_advisory_unlock(1)"}, "int64(3)"},
		{"listening", items, []string{"listen something", "notify something", "unlisten *"}, "int64(3)"},
		{"an own setting", items, []string{"set own.setting to 'x'", "reset own.setting"}, "int64(3)"},
		{"a prepared statement", items, []string{"prepare own as select 1", "deallocate own"}, "int64(3)"},
		{"a cursor", items, []string{"begin", "declare own cursor for select * from items", "fetch 2 from own", "close own", "commit"}, "int64(3)"},
	}
	inModes(t, unlikeModes, sessions, func(t *testing.T, p *pair) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				seen := p.both(t, whatever, func(s *subject) { s.inTwoSessions(test.sql, test.change) })
				if !strings.Contains(seen, test.sees) {
					t.Errorf("pgx doesn't show %s, but %s", test.sees, seen)
				}
			})
		}
	})
}

// inTwoSessions reads in two sessions before and after each of the changes to one of them, and leaves neither in the pool.
func (s *subject) inTwoSessions(query string, changes []string) {
	s.onConn(func(changed *sql.Conn) {
		s.onConn(func(other *sql.Conn) {
			for _, change := range append([]string{"select 'nothing'"}, changes...) {
				s.exec(changed, change)
				for range 2 {
					s.query(changed, query)
					s.query(other, query)
				}
			}
		})
		leave(changed)
	})
}

// TestLiteralsOfAnotherTimeZone changes what a literal of the text means. A statement that pgx has prepared keeps the meaning
// that it had then; what pgcache keeps is for other sessions too, so it is planned for the session as it is, as pgx does in
// its other modes.
func TestLiteralsOfAnotherTimeZone(t *testing.T) {
	dsn := database(t, sessions)
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			p := open(t, dsn, "default_query_exec_mode="+mode)
			p.plain = openWith(t, "pgx", withParams(t, dsn, "default_query_exec_mode=describe_exec"))
			if mode == "simple_protocol" {
				p.plain = openWith(t, "pgx", withParams(t, dsn, "default_query_exec_mode="+mode))
			}
			seen := p.both(t, whatever, func(s *subject) {
				s.inTwoSessions("select id from moments where at = '2024-07-01 12:00'",
					[]string{"set time zone 'America/New_York'", "set time zone 'UTC'", "set time zone default"})
			})
			if !strings.Contains(seen, "int64(1)") {
				t.Errorf("pgx finds no row: %s", seen)
			}
		})
	}
}

// TestDiscardAll leaves out the mode in which pgx itself can't go on after it, since its prepared statements are gone.
func TestDiscardAll(t *testing.T) {
	dsn := database(t, sessions)
	for _, mode := range modes[1:] {
		p := open(t, dsn, "default_query_exec_mode="+mode)
		p.both(t, whatever, func(s *subject) {
			s.inTwoSessions("select id, name from items order by id", []string{"set search_path to other", "discard all"})
		})
	}
}

// leave makes a connection unfit for the pool.
func leave(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn })
}

// TestSessionStateIsCached shows that the tests above could fail: in each of these states the second read is a hit, and the
// third state is the first one again.
func TestSessionStateIsCached(t *testing.T) {
	p := open(t, database(t, sessions))
	const query = "select id, name from items order by id"
	p.both(t, hits(5, 8), func(s *subject) {
		s.onConn(func(conn *sql.Conn) {
			for _, change := range []string{"set search_path to other", "set time zone 'Asia/Tokyo'", "reset timezone", "reset search_path"} {
				s.exec(conn, change)
				s.query(conn, query)
				s.query(conn, query)
			}
		})
	})
}

// raw gives a part of a script the pgx connection behind a connection.
func (s *subject) raw(conn *sql.Conn, part func(*pgx.Conn) error) {
	s.t.Helper()
	s.must(conn.Raw(func(driverConn any) error {
		inner, ok := driver.PgxConn(driverConn)
		if !ok {
			s.t.Fatalf("no pgx connection in %T", driverConn)
		}
		return part(inner)
	}))
}

// TestRawCopy copies rows in on pgx's own connection. All connections see them at once.
func TestRawCopy(t *testing.T) {
	const query = "select id, note from orders order by id"
	inEveryMode(t, shop, func(t *testing.T, p *pair) {
		p.both(t, whatever, func(s *subject) {
			s.replans = true
			s.query(s.db, query)
			s.onConn(func(conn *sql.Conn) {
				s.query(conn, query)
				s.raw(conn, func(inner *pgx.Conn) error {
					n, err := inner.CopyFrom(s.ctx, pgx.Identifier{"orders"}, []string{"id", "note"},
						pgx.CopyFromRows([][]any{{1, "copied"}, {2, nil}}))
					s.notef("copied %d", n)
					return err
				})
				s.query(s.db, query)
				s.query(conn, query)
				s.raw(conn, func(inner *pgx.Conn) error {
					_, err := inner.Exec(s.ctx, "set search_path to nowhere")
					return err
				})
				s.query(conn, query)
				s.query(s.db, query)
				s.do(conn, "reset search_path")
				s.query(conn, query)
				s.do(conn, "delete from orders")
				s.query(s.db, query)
			})
		})
	})
}

// TestRawInTransaction writes on pgx's own connection inside a transaction of database/sql's.
func TestRawInTransaction(t *testing.T) {
	const query = "select count(*) from orders"
	p := open(t, database(t, shop))
	p.both(t, whatever, func(s *subject) {
		s.query(s.db, query)
		s.onConn(func(conn *sql.Conn) {
			tx, err := conn.BeginTx(s.ctx, nil)
			s.must(err)
			s.raw(conn, func(inner *pgx.Conn) error {
				_, err := inner.Exec(s.ctx, "insert into orders (note) values ('raw')")
				return err
			})
			s.query(tx, query)
			s.query(s.db, query)
			s.must(tx.Commit())
			s.query(s.db, query)
			s.query(conn, query)
			s.do(conn, "delete from orders")
		})
	})
}

// TestNotifications waits for a notification on pgx's own connection. Neither LISTEN nor NOTIFY makes anything stale; the
// time with pgx's connection does.
func TestNotifications(t *testing.T) {
	p := open(t, database(t, shop))
	p.both(t, hits(1, 1), func(s *subject) {
		s.onConn(func(conn *sql.Conn) {
			s.query(s.db, "select id from items order by id")
			s.exec(conn, "listen bell")
			s.exec(s.db, "notify bell, 'rings'")
			ctx, cancel := context.WithTimeout(s.ctx, patience)
			defer cancel()
			s.query(s.db, "select id from items order by id")
			s.raw(conn, func(inner *pgx.Conn) error {
				n, err := inner.WaitForNotification(ctx)
				if err == nil {
					s.notef("%s: %s", n.Channel, n.Payload)
				}
				return err
			})
			s.exec(conn, "unlisten bell")
		})
	})
}
