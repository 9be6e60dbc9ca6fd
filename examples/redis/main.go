// Command redis shows what processes gain that keep their answers in one Redis. It starts a PostgreSQL server and a Redis server
// of its own, fills pgbench's tables, and starts three processes of a service that share a cache:
//
//	go run ./examples/redis [-scale 10]
//
// Every answer is compared with the one that plain pgx gets just after. A different one ends the run with an error. The
// processes, the servers and their files are gone afterwards, also after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/examples/internal/fleet"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// rule is what the processes cache. They may wait long for each other, since this machine may be a slow one.
const rule = "accounts: table=pgbench_accounts ttl=10m lock=1m"

// timeout is how long Redis may take. The default is 50 ms, which three processes and two servers on one small machine may
// need for the machine's sake.
const timeout = 500 * time.Millisecond

func main() {
	if fleet.IsOne() {
		fleet.Serve()
		return
	}
	program.Main("redis", run)
}

// size is how many processes there are.
const size = 3

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	scale, err := parseScale(args, out)
	if err != nil {
		return err
	}
	step := func(what string) { fmt.Fprintln(out, "  "+what) }
	redis, err := testenv.StartRedis(ctx, testenv.Options{Progress: step})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Left(redis.Close())) }()
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
	step(fmt.Sprintf("starting %d processes", size))
	processes, err := start(ctx, database, redis)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Left(fleet.CloseAll(processes))) }()
	return (&demo{Show: show, redis: redis, processes: processes, branches: scale}).play(ctx)
}

// start starts the processes: all with the same connection string.
func start(ctx context.Context, database *pgbench.Database, redis *testenv.Redis) ([]*fleet.Process, error) {
	text, err := database.CacheDSN(rule, func(c *dsn.Config) {
		c.Store, c.Redis, c.Timeout = dsn.StoreRedis, redis.URL(), timeout
	})
	if err != nil {
		return nil, err
	}
	dsns := make([]string, size)
	for i := range dsns {
		dsns[i] = text
	}
	return fleet.StartAll(ctx, dsns)
}

// parseScale reads the arguments. The scale is pgbench's: the number of branches.
func parseScale(args []string, out io.Writer) (int, error) {
	flags := flag.NewFlagSet("redis", flag.ContinueOnError)
	flags.SetOutput(out)
	scale := flags.Int("scale", 10, "how many times 100,000 accounts to load")
	if err := flags.Parse(args); err != nil {
		return 0, err
	}
	if *scale < 1 || flags.NArg() > 0 {
		return 0, errors.New("usage: redis [-scale N], N from 1")
	}
	return *scale, nil
}
