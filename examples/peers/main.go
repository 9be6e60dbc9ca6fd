// Command peers shows what processes gain that ask each other, with no server for the cache at all. It starts a PostgreSQL server
// of its own, fills pgbench's tables, and starts three processes of a service in which each key has one owner:
//
//	go run ./examples/peers [-scale 10]
//
// Every answer is compared with the one that plain pgx gets just after. A different one ends the run with an error. The
// processes, the server and its files are gone afterwards, also after Ctrl-C.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/fleet"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
)

// rule is what the processes cache. They may wait long for each other, since this machine may be a slow one.
const rule = "accounts: table=pgbench_accounts ttl=10m lock=1m"

// timeout is how long a peer may keep silent. The default is 50 ms, which three processes and a server on one small machine
// may need for the machine's sake.
const timeout = 500 * time.Millisecond

func main() {
	if fleet.IsOne() {
		fleet.Serve()
		return
	}
	program.Main("peers", run)
}

// size is how many processes there are.
const size = 3

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	scale, err := parseScale(args, out)
	if err != nil {
		return err
	}
	database, err := pgbench.Start(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	if err := database.Load(ctx, scale, out); err != nil {
		return err
	}
	show, err := fleet.NewShow(ctx, database, out)
	if err != nil {
		return err
	}
	defer show.Close()
	dir, err := os.MkdirTemp("", "pgcache-peers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Left(os.RemoveAll(dir))) }()
	dsns, err := connStrings(ctx, database, dir)
	if err != nil {
		return err
	}
	show.Step(fmt.Sprintf("starting %d processes", size))
	processes, err := fleet.StartAll(ctx, dsns)
	if err != nil {
		return err
	}
	d := &demo{Show: show, processes: processes, dsns: dsns}
	defer func() { err = errors.Join(err, program.Left(fleet.CloseAll(d.processes))) }()
	return d.play(ctx)
}

// connStrings gives each process the same peers and the same secret, and an address of its own.
func connStrings(ctx context.Context, database *pgbench.Database, dir string) ([]string, error) {
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(rand.Text()+rand.Text()), 0o600); err != nil {
		return nil, err
	}
	peers, err := addresses(ctx, size)
	if err != nil {
		return nil, err
	}
	dsns := make([]string, size)
	for i, self := range peers {
		dsns[i], err = database.CacheDSN(rule, func(c *dsn.Config) {
			c.Store, c.Timeout = dsn.StorePeer, timeout
			c.Peers, c.PeerSelf, c.PeerSecretFile = peers, self, secret
		})
		if err != nil {
			return nil, err
		}
	}
	return dsns, nil
}

// addresses are URLs on this machine that nobody listens on just now.
func addresses(ctx context.Context, n int) ([]string, error) {
	urls := make([]string, n)
	for i := range urls {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // when all have one, so that they differ
		urls[i] = "http://" + l.Addr().String()
	}
	return urls, nil
}

// parseScale reads the arguments. The scale is pgbench's: the number of branches.
func parseScale(args []string, out io.Writer) (int, error) {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(out)
	scale := flags.Int("scale", 10, "how many times 100,000 accounts to load")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	if *scale < 1 || flags.NArg() > 0 {
		return 0, errors.New("usage: peers [-scale N], N from 1")
	}
	return *scale, nil
}
