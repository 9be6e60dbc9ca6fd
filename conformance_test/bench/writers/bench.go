package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// bench is a server with pgbench's tables.
type bench struct {
	options

	dsn       string
	program   string
	directory string    // for pgbench's logs
	control   *pgx.Conn // whose process is the server's child
	server    int       // the process that is the parent of all others
}

func newBench(ctx context.Context, server *testenv.Server, o options) (b *bench, err error) {
	b = &bench{options: o, dsn: server.DSN("")}
	if b.program, err = server.Program("pgbench"); err != nil {
		return nil, err
	}
	if b.directory, err = os.MkdirTemp("", "pgcache-writers-"); err != nil {
		return nil, err
	}
	if b.control, err = pgx.Connect(ctx, b.dsn); err != nil {
		return nil, err
	}
	child, err := processOf(int(b.control.PgConn().PID()))
	if err != nil {
		return nil, err
	}
	b.server = child.parent
	return b, b.pgbench(ctx, "-i", "-q", "-s", strconv.Itoa(o.scale))
}

func (b *bench) close() {
	_ = b.control.Close(context.Background())
	_ = os.RemoveAll(b.directory)
}

// pgbench runs it.
func (b *bench) pgbench(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, b.program, append(args, b.dsn)...) //nolint:gosec // it is the server's own program
	cmd.Dir = b.directory
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgbench: %w; it said:\n%s", err, said)
	}
	return nil
}

// load is one way to have pgbench write, and what came of it beside each follower.
type load struct {
	name string
	args []string
	// half is set when it does not write as fast as it can, but half as fast as another load did, so that only the time of each
	// transaction says something.
	half *load
	runs map[string][]outcome // by the follower's name
}

// loads are the ways to write. The first warms up, and the last goes at half the rate that the first had in the same round beside
// nothing: on a shared machine another time's peak would be too much, or too little.
func (b *bench) loads(ctx context.Context) ([]*load, error) {
	peak := &load{name: "4 clients", args: []string{"-c", "4"}, runs: make(map[string][]outcome)}
	if _, err := b.write(ctx, peak); err != nil {
		return nil, err
	}
	return []*load{
		peak,
		{name: "16 clients", args: []string{"-c", "16"}, runs: make(map[string][]outcome)},
		{name: "4 clients at half the rate", args: []string{"-c", "4"}, half: peak, runs: make(map[string][]outcome)},
	}, nil
}

// round has one load written beside each follower. Another begins each time.
func (b *bench) round(ctx context.Context, n int, l *load) error {
	for i := range followers {
		name := followers[(n+i)%len(followers)]
		if err := b.beside(ctx, name, l); err != nil {
			return fmt.Errorf("beside %s: %w", name, err)
		}
	}
	return nil
}

func (b *bench) beside(ctx context.Context, name string, l *load) (err error) {
	f, err := b.follow(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	if _, err := b.control.Exec(ctx, "checkpoint"); err != nil {
		return err
	}
	o, err := b.write(ctx, l)
	l.runs[name] = append(l.runs[name], o)
	return err
}
