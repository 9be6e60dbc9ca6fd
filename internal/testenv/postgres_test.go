package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// startPostgres starts a private server for the test, or fails it.
func startPostgres(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask returns the one value that the query gives, as text.
func ask(t *testing.T, dsn, sql string) string {
	t.Helper()
	value, err := query(t.Context(), dsn, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func query(ctx context.Context, dsn, sql string) (value string, err error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	err = conn.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&value)
	return value, err
}

func TestPostgresLife(t *testing.T) {
	s := startPostgres(t, Options{Settings: map[string]string{"work_mem": "5MB", "pgcache.note": "it's"}})
	name, err := s.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dsn := s.DSN(name)
	for setting, want := range map[string]string{
		"wal_level": "logical", "fsync": "off", "server_encoding": "UTF8", "TimeZone": "UTC",
		"work_mem": "5MB", "pgcache.note": "it's",
	} {
		if got := ask(t, dsn, "show "+setting); got != want {
			t.Errorf("%s = %s, want %s", setting, got, want)
		}
	}
	if err := (&Server{dsn: dsn}).exec(t.Context(), "create table kept as select 42 as n"); err != nil {
		t.Fatal(err)
	}
	for _, how := range []Shutdown{Fast, Immediate, Crash} {
		if err := s.Stop(t.Context(), how); err != nil {
			t.Fatal(err)
		}
		if _, err := query(t.Context(), dsn, "select 'up'"); err == nil {
			t.Fatal("a stopped server answered")
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := ask(t, dsn, "select n::text from kept"); got != "42" {
			t.Errorf("after shutdown %d and start: %s", how, got)
		}
	}
	if err := s.DropDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := query(t.Context(), dsn, "select 'up'"); err == nil {
		t.Error("a dropped database answered")
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	s := startPostgres(t, Options{})
	dir, dsn := s.daemon.dir, s.DSN("")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files are left: %v", err)
	}
	if _, err := query(t.Context(), dsn, "select 'up'"); err == nil {
		t.Error("a closed server answered")
	}
	if err := s.Start(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("start after close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestServerAsksForItsPassword(t *testing.T) {
	s := startPostgres(t, Options{})
	config, err := pgx.ParseConfig(s.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	password := config.Password
	config.Password = "wrong"
	if conn, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		t.Error("a wrong password was taken", conn.Close(t.Context()))
	}
	if password == "" || config.Port == 5432 {
		t.Errorf("password %q, port %d", password, config.Port)
	}
}

func TestStartReportsWhatTheServerSaid(t *testing.T) {
	var steps []string
	_, err := Start(t.Context(), Options{
		Settings: map[string]string{"max_connections": "many"},
		Progress: func(step string) { steps = append(steps, step) },
	})
	if err == nil || !strings.Contains(err.Error(), `"max_connections"`) {
		t.Errorf("error doesn't show the server's reason: %v", err)
	}
	if len(steps) == 0 {
		t.Error("no progress reported")
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	temp := openDir(t)
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Start(ctx, Options{Progress: func(string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled context", err)
	}
	if left, _ := filepath.Glob(filepath.Join(temp, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// openDir makes a directory that every account can enter, which t.TempDir's
// parents don't let it.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "testenv-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
