package setup

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/testenv"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// What a role may do it does, and for the rest it says what to grant.
func TestRoles(t *testing.T) {
	server := pgtest.Own(t)
	dsn := server.DSN("")
	admin := connect(t, dsn)
	exec(t, admin, "create role app login password 'app'", "create role other login password 'other'",
		"create schema app authorization app", "create table app.mine (id int primary key)", "alter table app.mine owner to app",
		"create table theirs (id int primary key)", "grant all on theirs to app", "revoke create on schema public from public")
	before := scalar[string](t, admin, everything)
	app, other := connect(t, as(t, dsn, "app", "app")), connect(t, as(t, dsn, "other", "other"))

	t.Run("no privileges", func(t *testing.T) {
		report := install(t, app, WAL|Touch)
		text := rows(report.Items)
		for _, want := range []string{
			`role app | may not replicate | ALTER ROLE "app" REPLICATION`,
			`publication pgcache | not allowed: permission denied for database postgres | GRANT CREATE ON DATABASE "postgres" TO "app"`,
			`touch log | not allowed: permission denied for database postgres | GRANT CREATE ON DATABASE "postgres" TO "app"`,
			`event triggers | not allowed: permission denied for database postgres | CALL pgcache.install() as a superuser`,
			"table app.mine | not tracked | ",
			"table public.theirs | not tracked: it belongs to postgres | ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		if report.State.ready(WAL) || report.State.ready(Touch) {
			t.Error("ready")
		}
		_, err := Prepare(soon(t), app.PgConn(), WAL, "pgcache")
		if !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), `role app: ALTER ROLE "app" REPLICATION`) {
			t.Errorf("what is there to do? %v", err)
		}
		if after := scalar[string](t, admin, everything); after != before {
			t.Errorf("made\n%s", after)
		}
		uninstall(t, app)
	})

	t.Run("create", func(t *testing.T) {
		exec(t, admin, "grant create on database postgres to app", "alter role app replication")
		report := install(t, app, WAL|Touch)
		if !report.State.ready(WAL|Touch) || tracked(t, report.State, "mine") != WAL|Touch || tracked(t, report.State, "theirs") != 0 {
			t.Error(rows(report.Items))
		}
		if !strings.Contains(rows(report.Items), "event triggers | not allowed: permission denied to create event trigger") {
			t.Error(rows(report.Items))
		}
		if text := rows(install(t, app, WAL|Touch).Items); text != rows(report.Items) {
			t.Errorf("%s\nthen\n%s", rows(report.Items), text)
		}
		// Who may do nothing can read the log, and have it kept small.
		for _, sql := range []string{"select * from pgcache.touches", "select * from pgcache.touch_state", "select pgcache.touch_raise()", "select pgcache.touch_confirm(1)", "select pgcache.touch_collect()"} {
			exec(t, other, sql)
		}
		for _, sql := range []string{"delete from pgcache.touches", "update pgcache.touch_state set since = 0", "select setval('pgcache.touch_limit', 1)"} {
			if _, err := other.Exec(soon(t), sql); err == nil {
				t.Errorf("anybody can %s", sql)
			}
		}
		// Writers need no rights on the log.
		exec(t, admin, "grant usage on schema app to other; grant all on app.mine to other")
		exec(t, other, "insert into app.mine values (1)")
	})

	t.Run("not another's", func(t *testing.T) {
		// The functions are app's, who could have them run anything with a superuser's rights.
		report := install(t, admin, WAL|Touch)
		text := rows(report.Items)
		if tracked(t, report.State, "theirs")&Touch != 0 || report.State.Events || !strings.Contains(text, "belongs to app, who could run code") {
			t.Error(text)
		}
		text = rows(uninstall(t, other).Items)
		if !strings.Contains(text, "not allowed") {
			t.Error(text)
		}
	})

	t.Run("taken away", func(t *testing.T) {
		uninstall(t, app)
		if after := scalar[string](t, admin, everything); after != before {
			t.Errorf("%s\nis left of\n%s", after, before)
		}
	})

	t.Run("a superuser's", func(t *testing.T) {
		install(t, admin, WAL|Touch)
		exec(t, admin, "drop trigger pgcache_touch on app.mine")
		// The trigger goes on a table of one's own without further rights; the publication is the superuser's.
		exec(t, admin, "alter publication pgcache drop table app.mine")
		report := install(t, app, WAL|Touch)
		if tracked(t, report.State, "mine") != Touch || !report.State.Events {
			t.Error(rows(report.Items))
		}
		if !strings.Contains(rows(report.Items), "publication pgcache | there") {
			t.Error(rows(report.Items))
		}
		gone := rows(uninstall(t, app).Items)
		if !strings.Contains(gone, "event trigger pgcache_ddl | not allowed") || !inspect(t, app, Touch).hasLog() {
			t.Error(gone)
		}
		exec(t, admin, "insert into theirs values (1)")
		uninstall(t, admin)
		if after := scalar[string](t, admin, everything); after != before {
			t.Errorf("%s\nis left of\n%s", after, before)
		}
	})

	t.Run("a schema that was given", func(t *testing.T) {
		exec(t, admin, "revoke create on database postgres from app", "create schema pgcache authorization app")
		report := install(t, app, Touch)
		if !report.State.ready(Touch) || tracked(t, report.State, "mine") != Touch {
			t.Error(rows(report.Items))
		}
		uninstall(t, app)
		if scalar[int](t, admin, "select count(*) from pg_namespace where nspname = 'pgcache'") != 1 {
			t.Error("it is gone")
		}
		exec(t, admin, "drop schema pgcache")
	})
}

// A stranger's objects in the schema are not what a superuser's functions should write to.
func TestTrap(t *testing.T) {
	server := pgtest.Own(t)
	dsn := server.DSN("")
	admin := connect(t, dsn)
	exec(t, admin, "create role app login password 'app'", "create schema pgcache; grant all on schema pgcache to app", "create table a (id int primary key)")
	exec(t, connect(t, as(t, dsn, "app", "app")),
		"create table pgcache.touches (xid xid8, relid oid)",
		"create function pgcache.evil() returns trigger language plpgsql as 'begin raise ''caught''; end'",
		"create trigger evil before insert on pgcache.touches execute function pgcache.evil()")
	report := install(t, admin, WAL|Touch)
	if !strings.Contains(rows(report.Items), "belongs to app, who could run code") || tracked(t, report.State, "a") != WAL {
		t.Error(rows(report.Items))
	}
	exec(t, admin, "insert into a values (1)", "alter table a add x int")
}

// What the server's settings stand in the way of.
func TestServerSettings(t *testing.T) {
	server := pgtest.OwnWith(t, testenv.Options{Settings: map[string]string{
		"wal_level": "replica", "max_wal_senders": "0", "max_replication_slots": "0", "autovacuum": "off",
		"synchronous_standby_names": "*",
	}})
	conn := connect(t, server.DSN(""))
	exec(t, conn, "set synchronous_commit = local", "create table a (id int primary key)")
	report := install(t, conn, WAL|Touch)
	text := rows(todo(report.Items))
	for _, want := range []string{"wal_level | replica | ", "max_wal_senders | 0 of 0", "max_replication_slots | 0 of 0", "touch log | there, but nothing vacuums it", "synchronous_standby_names | * | "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	exec(t, conn, "insert into a values (1)", "update a set id = 2", "delete from a")
}

func TestPooler(t *testing.T) {
	config, err := pgconn.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	pooler := testPooler(t, config)
	conn, err := pgconn.ConnectConfig(soon(t), pooler)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(soon(t))
	state, err := Inspect(soon(t), conn, Touch, Publication)
	if err != nil {
		t.Fatal(err)
	}
	if !state.Pooled || state.ready(Touch) || !strings.Contains(rows(state.Items()), "there is a pooler") {
		t.Error(rows(state.Items()))
	}
}

// What a writer's search_path holds is not called with the rights of whoever installed the log.
func TestWritersNames(t *testing.T) {
	server := pgtest.Own(t)
	dsn := server.DSN("")
	admin := connect(t, dsn)
	exec(t, admin, "create role app login password 'app'", "create table a (id int)", "grant all on a to app", "create schema evil authorization app")
	install(t, admin, Touch)
	app := connect(t, as(t, dsn, "app", "app"))
	exec(t, app, "create function evil.caught(bigint, bigint) returns bool language plpgsql as 'begin raise ''caught''; end'",
		"create operator evil.< (leftarg = bigint, rightarg = bigint, function = evil.caught)",
		"create function evil.txid_current_if_assigned() returns bigint language plpgsql as 'begin raise ''caught''; end'",
		"create function evil.pg_current_xact_id() returns xid8 language plpgsql as 'begin raise ''caught''; end'",
		"create function evil.pg_sequence_last_value(regclass) returns bigint language plpgsql as 'begin raise ''caught''; end'",
		"create table evil.touches (xid xid8, relid oid)", "create temporary table touches (xid xid8, relid oid)",
		"set search_path = evil, pg_catalog, public", "insert into a values (1)")
	if n := scalar[int](t, admin, "select count(*) from pgcache.touches where relid = 'a'::regclass"); n != 1 {
		t.Errorf("%d rows", n)
	}
}
