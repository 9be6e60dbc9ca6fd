package testenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// given takes a server that somebody else runs.
func given(ctx context.Context, dsn string) (*Server, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("pgcache: server of PGCACHE_TEST_DSN: %w", err)
	}
	return &Server{dsn: dsn}, conn.Close(ctx)
}

// DSN returns a connection string for a database of the server: with the rights
// of a superuser, or of whom PGCACHE_TEST_DSN names. An empty name is the
// database that is there from the start.
func (s *Server) DSN(database string) string {
	if database == "" {
		return s.dsn
	}
	if u, err := url.Parse(s.dsn); err == nil && u.Scheme != "" {
		u.Path, u.RawPath = "/"+database, ""
		return u.String()
	}
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(database)
	return s.dsn + " dbname='" + quoted + "'"
}

// CreateDatabase makes an empty database with a name of its own. It is there
// until DropDatabase or, on a private server, Close.
func (s *Server) CreateDatabase(ctx context.Context) (name string, err error) {
	name = "pgcache_test_" + strings.ToLower(rand.Text()[:13])
	return name, s.exec(ctx, "create database "+pgx.Identifier{name}.Sanitize())
}

// DropDatabase removes a database and disconnects whoever still uses it.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	return s.exec(ctx, "drop database if exists "+pgx.Identifier{name}.Sanitize()+" with (force)")
}

// exec runs one statement on a connection that is closed afterwards: nothing
// stays connected to a server between calls.
func (s *Server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return fmt.Errorf("pgcache: test server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("pgcache: test server: %s: %w", sql, err)
	}
	return nil
}
