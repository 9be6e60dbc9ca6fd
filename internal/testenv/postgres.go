package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Options say how a server is made. The zero value is a good choice.
type Options struct {
	// Version is the major version wanted of PostgreSQL, such as "17". Empty
	// stands for PGCACHE_TEST_PG_VERSION, and if that is empty too, for any.
	Version string
	// Settings are PostgreSQL settings on top of this package's own.
	Settings map[string]string
	// Socket has PostgreSQL listen on a Unix socket too: see [Server.SocketDSN].
	Socket bool
	// Log receives the server's log; nil keeps only what errors quote.
	Log io.Writer
	// Progress is told what is being waited for, in a few words; may be nil.
	Progress func(step string)
}

func (o Options) reportf(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// Shutdown is a way to stop PostgreSQL.
type Shutdown int

const (
	// Fast rolls back what is open, disconnects everybody, writes a checkpoint.
	Fast Shutdown = iota
	// Immediate ends at once; the next start recovers from the log.
	Immediate
	// Crash kills the server's parent process, as losing the machine would.
	Crash
)

func (s Shutdown) signal() os.Signal {
	switch s {
	case Immediate:
		return signalImmediate
	case Crash:
		return os.Kill
	default:
		return signalFast
	}
}

// Server is a PostgreSQL server: one started by [Start], or one given to
// [Find]. Its methods are safe for concurrent use.
type Server struct {
	service

	dsn      string // for a superuser, or as given
	socket   string // directory of its Unix socket, empty when it has none
	programs string // directory of its programs, empty when given
}

// Find returns the server that PGCACHE_TEST_DSN names, or else starts one.
func Find(ctx context.Context, o Options) (*Server, error) {
	if dsn := os.Getenv("PGCACHE_TEST_DSN"); dsn != "" {
		return given(ctx, dsn)
	}
	return Start(ctx, o)
}

// Start starts a private server, whatever the environment names. ctx bounds the
// start, not the server's life: call Close when done with it.
func Start(ctx context.Context, o Options) (*Server, error) {
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	programs, err := findPrograms(ctx, o)
	if err != nil {
		return nil, err
	}
	d, err := newDaemon(filepath.Join(programs, "postgres"), "pgcache-postgres-", "QUIT", account)
	if err != nil {
		return nil, err
	}
	d.ready = "database system is ready to accept connections"
	d.log = o.Log
	s := &Server{service: service{daemon: d}, programs: programs}
	if err := s.create(ctx, o); err != nil {
		return nil, errors.Join(err, d.guard.release())
	}
	return s, nil
}

// create makes the server's files and starts it for the first time.
func (s *Server) create(ctx context.Context, o Options) error {
	o.reportf("creating a PostgreSQL cluster with %s", s.programs)
	c := cluster{daemon: s.daemon, password: newPassword()}
	if err := c.init(ctx); err != nil {
		return err
	}
	s.daemon.args = []string{"-D", c.data()}
	if o.Socket && socketFits(s.daemon.dir) {
		s.socket = s.daemon.dir
	}
	return onFreePort(func(port int) error {
		if err := c.configure(port, s.socket, o.Settings); err != nil {
			return err
		}
		o.reportf("starting PostgreSQL on %s", loopback(port))
		s.dsn = c.dsn(port)
		return s.Start(ctx)
	})
}

// Stop stops the server and returns when no process of it is left. It does
// nothing to a stopped one. Should ctx end first, the server is killed and ctx's
// error returned.
func (s *Server) Stop(ctx context.Context, how Shutdown) error { return s.stop(ctx, how.signal()) }

// Program returns the path of one of PostgreSQL's programs, such as pgbench, of
// the server's own version. The error matches [os.ErrNotExist] when the
// installation lacks it, or the server was given.
func (s *Server) Program(name string) (string, error) {
	path := filepath.Join(s.programs, name)
	if s.programs == "" || !executable(path) {
		return "", fmt.Errorf("pgcache: program %s of PostgreSQL: %w", name, os.ErrNotExist)
	}
	return path, nil
}
