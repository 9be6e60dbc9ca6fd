package setup

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/statement"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(soon(t), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn.Close(ctx)
	})
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := conn.Exec(soon(t), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func scalar[T any](t *testing.T, conn *pgx.Conn, sql string, args ...any) (value T) {
	t.Helper()
	if err := conn.QueryRow(soon(t), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func install(t *testing.T, conn *pgx.Conn, kind Kind, tables ...statement.Name) *Report {
	t.Helper()
	report, err := Install(soon(t), conn.PgConn(), kind, Publication, tables...)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func uninstall(t *testing.T, conn *pgx.Conn) *Report {
	t.Helper()
	report, err := Uninstall(soon(t), conn.PgConn(), Publication)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func inspect(t *testing.T, conn *pgx.Conn, kind Kind) *State {
	t.Helper()
	state, err := Inspect(soon(t), conn.PgConn(), kind, Publication)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// rows writes items as the lines of a table.
func rows(items []Item) string {
	var b strings.Builder
	for _, i := range items {
		fmt.Fprintf(&b, "%s | %s | %s\n", i.Name, i.State, i.ToDo)
	}
	return b.String()
}

// todo are the items that something is to be done about.
func todo(items []Item) (list []Item) {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return i.ToDo == "" })
}

// as gives the connection string of another role.
func as(t *testing.T, dsn, role, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// everything lists all objects outside the system's schemas, and the triggers on tables.
const everything = `
select coalesce(string_agg(what, E'\n' order by what), '') from (
  select format('%s %s.%s', relkind, nspname, relname) from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
  union all select format('function %s.%s', nspname, proname) from pg_proc join pg_namespace n on n.oid = pronamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
  union all select format('schema %s', nspname) from pg_namespace where nspname !~ '^pg_'
  union all select format('trigger %s %s', tgrelid::regclass, tgname) from pg_trigger where not tgisinternal
  union all select format('event trigger %s', evtname) from pg_event_trigger
  union all select format('publication %s', pubname) from pg_publication
  union all select format('published %s', prrelid::regclass) from pg_publication_rel
  union all select format('type %s.%s', nspname, typname) from pg_type join pg_namespace n on n.oid = typnamespace
    where nspname !~ '^pg_' and nspname <> 'information_schema'
) x(what)`
