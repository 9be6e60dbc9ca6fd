package testenv

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDSNOfAnotherDatabase(t *testing.T) {
	for _, c := range []struct{ name, dsn, database string }{
		{"URL", "postgres://u:p%40ss@h.example:5433/first?sslmode=disable", "second"},
		{"URL without database", "postgresql://u@h.example", "second"},
		{"URL, name to be quoted", "postgres://u@h.example/first", "a/b?c"},
		{"keywords", "host=h.example port=5433 user=u dbname=first", "second"},
		{"keywords, name to be quoted", "host=h.example user=u", `it's a \ name`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Server{dsn: c.dsn}
			if s.DSN("") != c.dsn {
				t.Errorf("no name: %s", s.DSN(""))
			}
			was, err := pgx.ParseConfig(c.dsn)
			if err != nil {
				t.Fatal(err)
			}
			is, err := pgx.ParseConfig(s.DSN(c.database))
			if err != nil {
				t.Fatal(err)
			}
			if is.Database != c.database {
				t.Errorf("database %q, want %q", is.Database, c.database)
			}
			if is.Host != was.Host || is.Port != was.Port || is.User != was.User || is.Password != was.Password {
				t.Error("something else changed")
			}
		})
	}
}

func TestFindTakesTheServerGiven(t *testing.T) {
	own := startPostgres(t, Options{})
	t.Setenv("PGCACHE_TEST_DSN", own.DSN(""))
	s, err := Find(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Given() || s.DSN("") != own.DSN("") {
		t.Error("not the server given")
	}
	name, err := s.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s.DSN(name), "select current_database()::text"); got != name {
		t.Errorf("in %s, want %s", got, name)
	}
	if err := s.DropDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context(), Fast); !errors.Is(err, ErrGiven) {
		t.Errorf("stop: %v", err)
	}
	if err := s.Start(t.Context()); !errors.Is(err, ErrGiven) {
		t.Errorf("start: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	ask(t, own.DSN(""), "select 'still up'")
}

func TestFindReportsAServerThatIsNotThere(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGCACHE_TEST_DSN", "postgres://u:secret@"+loopback(port)+"/d")
	_, err = Find(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "PGCACHE_TEST_DSN") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
