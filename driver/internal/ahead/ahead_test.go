package ahead

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/freshness"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// asker counts what it is told, and traces queries.
type asker struct {
	seen         int
	last         freshness.Snapshot
	begun, ended int
	err          error
}

func (a *asker) Sees(s freshness.Snapshot, lsn uint64) {
	if lsn == 0 {
		panic("no position")
	}
	a.seen, a.last = a.seen+1, s
}

func (a *asker) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	a.begun++
	return ctx
}

func (a *asker) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	a.ended, a.err = a.ended+1, data.Err
}

func connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// read reads all rows as text.
func read(rows Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	var list []string
	for rows.Next() {
		list = append(list, fmt.Sprintf("%s", rows.RawValues()))
	}
	rows.Close()
	return list, rows.Err()
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

// However the question is asked, it is answered once before the rows come, and by a snapshot that sees what the query sees.
func TestAsk(t *testing.T) {
	conn := connect(t)
	exec(t, conn, "create table things as select n as id from generate_series(1, 3) n")
	var s Session
	ask := func(a *asker, together bool) (Rows, error) {
		q := &Query{SQL: "select id from things where id > $1 order by id", Args: []any{1}, Tracer: a}
		if together {
			return s.Ask(t.Context(), conn, q, a)
		}
		return AskApart(t.Context(), conn, q, a)
	}
	for _, together := range []bool{true, true, false} {
		var a asker
		var xid uint64
		if err := conn.QueryRow(t.Context(), "insert into things values (9) returning pg_current_xact_id()::text::int8").Scan(&xid); err != nil {
			t.Fatal(err)
		}
		rows, err := ask(&a, together)
		if a.seen != 1 || !a.last.Sees(xid) {
			t.Errorf("together %v: told %d times, and %v does not see %d", together, a.seen, a.last, xid)
		}
		if list, err := read(rows, err); err != nil || len(list) < 3 {
			t.Errorf("together %v: %v, %v", together, list, err)
		}
		if together && (a.begun != 1 || a.ended != 1 || a.err != nil) {
			t.Errorf("the tracer was told of %d queries and %d ends, %v", a.begun, a.ended, a.err)
		}
	}
}

// The query's error is the caller's, and the session goes on.
func TestErrors(t *testing.T) {
	conn := connect(t)
	var s Session
	for _, c := range []struct {
		q    Query
		code string // empty: an error of pgx's
	}{
		{Query{SQL: "select 1 / ($1::int - 1)", Args: []any{1}}, "22012"},
		{Query{SQL: "select 1 / (n - 2) from generate_series(1, 3) n"}, "22012"},
		{Query{SQL: "select nothing"}, "42703"},
		{Query{SQL: "select $1::int"}, ""},
		{Query{SQL: "select $1::int", Args: []any{"many"}}, "22P02"},
	} {
		var a asker
		_, err := read(s.Ask(t.Context(), conn, &c.q, &a))
		pgErr, answered := errors.AsType[*pgconn.PgError](err)
		if err == nil || answered != (c.code != "") || answered && pgErr.Code != c.code {
			t.Errorf("%s: %v", c.q.SQL, err)
		}
		if list, err := read(s.Ask(t.Context(), conn, &Query{SQL: "select 'well'"}, &a)); err != nil || len(list) != 1 {
			t.Errorf("after %s: %v, %v", c.q.SQL, list, err)
		}
	}
}

// What was prepared and is gone is prepared again, and what means something else now is dropped.
func TestLostStatements(t *testing.T) {
	conn := connect(t)
	exec(t, conn, "create table things as select 1 as id")
	var s Session
	ask := func() ([]string, error) {
		return read(s.Ask(t.Context(), conn, &Query{SQL: "select * from things"}, new(asker)))
	}
	for _, lose := range []string{"select 1", "deallocate all", "discard all", "alter table things add column other int default 7"} {
		exec(t, conn, lose)
		if _, err := ask(); err != nil && !lostStatement(err) {
			t.Errorf("after %s: %v", lose, err) // pgx has prepared it too, and may say that it is gone
		}
		if list, err := ask(); err != nil || len(list) != 1 {
			t.Errorf("after %s: %v, %v", lose, list, err)
		}
	}
	var n int
	if err := conn.QueryRow(t.Context(), `select count(*) from pg_prepared_statements where name like 'pgcache\_%'`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d statements are prepared, %v", n, err)
	}
}

// More statements than a session should hold are asked apart.
func TestManyStatements(t *testing.T) {
	conn := connect(t)
	var s Session
	for i := range maxPrepared + 10 {
		q := &Query{SQL: fmt.Sprintf("select %d", i)}
		if list, err := read(s.Ask(t.Context(), conn, q, new(asker))); err != nil || len(list) != 1 {
			t.Fatalf("%s: %v, %v", q.SQL, list, err)
		}
	}
	if len(s.statements) != maxPrepared {
		t.Errorf("%d statements are held", len(s.statements))
	}
}

// A connection that breaks before the query is sent may be replaced by another.
func TestNotSent(t *testing.T) {
	conn := connect(t)
	exec(t, conn, "select 1")
	if err := conn.PgConn().Conn().Close(); err != nil {
		t.Fatal(err)
	}
	var s Session
	if _, err := read(s.Ask(t.Context(), conn, &Query{SQL: "select 1"}, new(asker))); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
}
