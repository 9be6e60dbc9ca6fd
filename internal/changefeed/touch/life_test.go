package touch_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// whole makes a server with the touch log for the tables of schema.
func whole(t *testing.T) (server *testenv.Server, conn *pgx.Conn) {
	t.Helper()
	server = pgtest.Own(t)
	conn = connect(t, server.DSN(""))
	exec(t, conn, schema)
	install(t, conn)
	return server, conn
}

// After a restart, of the server or of its processes alone, there is a new generation, and commits are told again.
func TestRestarts(t *testing.T) {
	server, conn := whole(t)
	feed, d := follow(t, server.DSN(""), never)
	generations := map[string]string{d.stream(t, 1): "the start"}
	restart := func(how testenv.Shutdown) func() {
		return func() {
			if err := server.Stop(soon(t), how); err != nil {
				t.Fatal(err)
			}
			if err := server.Start(soon(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, c := range []struct {
		name string
		do   func()
	}{
		{"fast", restart(testenv.Fast)},
		{"immediate", restart(testenv.Immediate)},
		{"crash", restart(testenv.Crash)},
		{"one process", func() { crashProcess(t, server.DSN("")) }},
	} {
		n := i + 2
		c.do()
		_ = feed.Barrier(soon(t)) // so that it notices
		generation := d.stream(t, n)
		if before, known := generations[generation]; known {
			t.Errorf("%s: the generation is that of %s", c.name, before)
		}
		generations[generation] = c.name
		conn = connect(t, server.DSN(""))
		d.take()
		exec(t, conn, "update a set v = v + 1")
		barrier(t, feed)
		if got := names(t, conn, d.take()); got != "a" {
			t.Errorf("%s: then %q", c.name, got)
		}
	}
	// A connection that breaks is no new life of the server.
	exec(t, conn, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgcache touch log'")
	_ = feed.Barrier(soon(t))
	if before := generations[d.stream(t, 6)]; before != "one process" {
		t.Errorf("a new connection is a new generation, or that of %q", before)
	}
}

// crashProcess kills one process of a server, which ends all others and recovers, without a new start time.
func crashProcess(t *testing.T, dsn string) {
	t.Helper()
	victim := connect(t, dsn)
	process, err := os.FindProcess(int(victim.PgConn().PID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The connection ends with it.
	if _, err := victim.Exec(soon(t), "select pg_sleep(60)"); err == nil {
		t.Fatal("the process lives")
	}
	for {
		conn, err := pgx.Connect(soon(t), dsn)
		if err == nil {
			// Those of before the crash are ended one by one; this one is of after it if the log is empty.
			var n int
			err = conn.QueryRow(soon(t), "select count(*) from pgcache.touch_state").Scan(&n)
			conn.Close(soon(t))
			if err == nil && n == 0 {
				return
			}
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

// A prepared transaction survives a crash, and its rows in the log don't. Nothing may be kept until it has ended.
func TestPreparedBeforeACrash(t *testing.T) {
	server, conn := whole(t)
	feed, d := follow(t, server.DSN(""), never)
	d.stream(t, 1)
	exec(t, conn, "begin", "update a set v = 77", "prepare transaction 'p'")
	if err := server.Stop(soon(t), testenv.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(soon(t)); err != nil {
		t.Fatal(err)
	}
	_ = feed.Barrier(soon(t))
	d.stream(t, 2)
	conn = connect(t, server.DSN(""))
	a := tag(t, conn, "a")
	if admitted(t, fill(t, conn, feed, d.tracker), a) {
		t.Error("a fill is kept that can't be told of the prepared transaction")
	}
	exec(t, conn, "commit prepared 'p'")
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) || !d.tracker.Fresh(a, f.Position()) {
		t.Error("nothing is kept when it has ended")
	}
}

// Where the triggers have just been made nothing is missing, whoever is writing elsewhere.
func TestStartBesideAWriter(t *testing.T) {
	dsn := pgtest.Database(t)
	conn, writer := connect(t, dsn), connect(t, dsn)
	exec(t, conn, schema, "create table elsewhere (id int)")
	exec(t, writer, "begin", "insert into elsewhere values (1)")
	installBut(t, conn, "elsewhere")
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	a := tag(t, conn, "a")
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) {
		t.Error("a fill waits for a transaction that can't have written a without a trace")
	}
	// It can write a now, and is told.
	exec(t, writer, "update a set v = 5", "commit")
	barrier(t, feed)
	if d.tracker.Fresh(a, f.Position()) {
		t.Error("its write was not told")
	}
}

// A reader that was away for too long begins anew instead of missing what was deleted.
func TestFloor(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	exec(t, conn, "update pgcache.touch_state set keep = '0'")
	barrier(t, feed)
	a := tag(t, conn, "a")
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) {
		t.Fatal("not admitted")
	}
	keeper := connect(t, dsn)
	exec(t, keeper, "begin", "lock table pgcache.touch_state in access exclusive mode") // polls don't get past this
	waiting := make(chan error, 1)
	go func() { waiting <- feed.Barrier(soon(t)) }()
	stuck(t, conn)
	exec(t, conn, "update a set v = 6")
	exec(t, keeper, "select pgcache.touch_collect()", "select pgcache.touch_collect()", "select pgcache.touch_collect()")
	if n := scalar[int](t, keeper, "select count(*) from pgcache.touches"); n != 0 {
		t.Fatalf("%d rows are left", n)
	}
	exec(t, keeper, "commit")
	if err := <-waiting; err == nil {
		t.Error("the barrier was passed")
	}
	d.stream(t, 2)
	if d.tracker.Fresh(a, f.Position()) {
		t.Error("what was read before is fresh")
	}
	if got := names(t, conn, d.take()); got != "" {
		t.Error(got)
	}
	exec(t, conn, "update a set v = 7")
	barrier(t, feed)
	if got := names(t, conn, d.take()); got != "a" {
		t.Error(got)
	}
}

// Rows are deleted that every reader has seen, and none that a reader may need: those of transactions that end late.
func TestCollect(t *testing.T) {
	dsn := database(t)
	conn, late := connect(t, dsn), connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	exec(t, conn, "update pgcache.touch_state set keep = '0'", "alter table pgcache.touches set (autovacuum_enabled = off)")
	exec(t, late, "begin", "insert into quick values (1)")
	for range 3 {
		exec(t, conn, "do $$ begin for i in 1..1500 loop insert into a values (1000 + i, 1); delete from a where id = 1000 + i; commit; end loop; end $$")
		barrier(t, feed)
	}
	sweep(t, conn, feed, 0)
	d.take()
	exec(t, late, "commit")
	barrier(t, feed)
	if got := names(t, conn, d.take()); got != "quick" {
		t.Errorf("the late one: %q", got)
	}
	sweep(t, conn, feed, 0)
	if len(d.streams) != 1 {
		t.Errorf("%d streams", len(d.streams))
	}
}

// sweep has the feed poll until there are so many rows in the log.
func sweep(t *testing.T, conn *pgx.Conn, feed interface{ Position(uint64) uint64 }, rows int) {
	t.Helper()
	ctx := soon(t)
	for {
		n := scalar[int](t, conn, "select count(*) from pgcache.touches")
		if n <= rows {
			return
		}
		feed.Position(0)
		if ctx.Err() != nil {
			t.Fatalf("there are still %d rows", n)
		}
	}
}

// A log that nobody reads falls asleep. Who wakes it keeps nothing until those have ended who may have written unseen.
func TestSleep(t *testing.T) {
	dsn := database(t)
	conn, late := connect(t, dsn), connect(t, dsn)
	limit := scalar[int64](t, conn, "select last_value from pgcache.touch_limit")
	// A million transactions later, in little time.
	next := scalar[int64](t, conn, "select pg_current_xact_id()::text::bigint")
	if limit-next < 1_000_000 {
		t.Errorf("the log is awake to %d, and transaction %d was the last", limit, next)
	}
	exec(t, conn, fmt.Sprintf("select setval('pgcache.touch_limit', %d); update pgcache.touch_state set awake_to = %[1]d", next))
	exec(t, late, "begin", "update a set v = 8 where id = 1")
	exec(t, conn, "update a set v = 8 where id = 2")
	if n := scalar[int](t, conn, "select count(*) from pgcache.touches where relid = 'a'::regclass"); n != 0 {
		t.Fatalf("%d rows were written in its sleep", n)
	}
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	a := tag(t, conn, "a")
	if admitted(t, fill(t, conn, feed, d.tracker), a) {
		t.Error("a fill is kept beside a writer that nobody will tell of")
	}
	exec(t, late, "commit")
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, a) {
		t.Error("a fill is not kept though everybody has ended")
	}
	exec(t, conn, "update a set v = 9 where id = 1")
	barrier(t, feed)
	if d.tracker.Fresh(a, f.Position()) {
		t.Error("the log is still asleep")
	}
}

// A log that is read stays awake, without a new stream.
func TestAwake(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	next := scalar[int64](t, conn, "select pg_current_xact_id()::text::bigint")
	exec(t, conn, fmt.Sprintf("select setval('pgcache.touch_limit', %d); update pgcache.touch_state set awake_to = %[1]d", next+1000))
	barrier(t, feed) // prolongs it after that
	barrier(t, feed)
	if limit := scalar[int64](t, conn, "select awake_to from pgcache.touch_state"); limit < next+1_000_000 {
		t.Errorf("awake to %d at %d", limit, next)
	}
	if since := scalar[int64](t, conn, "select since from pgcache.touch_state"); since != 0 {
		t.Errorf("it was thought to have slept up to %d", since)
	}
	if len(d.streams) != 1 {
		t.Errorf("%d streams", len(d.streams))
	}
	// One that fell asleep all the same is noticed.
	exec(t, conn, "update pgcache.touch_state set awake_to = 3")
	_ = feed.Barrier(soon(t))
	d.stream(t, 2)
	if d.after == 0 {
		t.Error("nobody thinks that it has slept")
	}
}

// What another server's backup brings along is worth nothing.
func TestRestored(t *testing.T) {
	dsn := database(t)
	conn := connect(t, dsn)
	exec(t, conn, "update pgcache.touch_state set system = 1, awake_to = 1::bigint << 60, since = 1::bigint << 59; insert into pgcache.touches values ('999999999999', 5)",
		"select setval('pgcache.touch_limit', 1::bigint << 60)")
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	exec(t, conn, "update a set v = 1")
	barrier(t, feed)
	if got := names(t, conn, d.take()); got != "a" {
		t.Error(got)
	}
	f := fill(t, conn, feed, d.tracker)
	if !admitted(t, f, tag(t, conn, "a")) {
		t.Error("nothing is kept")
	}
	if scalar[int64](t, conn, "select last_value from pgcache.touch_limit") > 1<<40 {
		t.Error("the log would never sleep")
	}
}

// Serializable transactions that have nothing to do with each other don't get into each other's way by the log.
func TestSerializable(t *testing.T) {
	dsn := database(t)
	one, two := connect(t, dsn), connect(t, dsn)
	feed, d := follow(t, dsn, never)
	d.stream(t, 1)
	for i := range 20 {
		exec(t, one, "begin isolation level serializable", fmt.Sprintf("insert into a values (%d, 1)", 100+i))
		exec(t, two, "begin isolation level serializable", fmt.Sprintf("insert into quick values (%d)", i))
		barrier(t, feed)
		exec(t, one, fmt.Sprintf("update a set v = 2 where id = %d", 100+i))
		exec(t, two, fmt.Sprintf("delete from quick where id = %d", i))
		exec(t, one, "commit")
		exec(t, two, "commit")
	}
}
