// Command inspect serves the pages of driver/inspect about a database that has something to do. It starts a PostgreSQL server
// of its own and sends it reads that are hits, misses and neither, and writes that end answers:
//
//	go run ./examples/inspect [-listen 127.0.0.1:0] [-for 1m]
//
// It prints the address, and ends with Ctrl-C, or after the time that -for says. The server and its files are gone afterwards.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/driver/inspect"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
	"github.com/gopgcache/pgcache/examples/internal/program"
	"github.com/gopgcache/pgcache/internal/testenv"
)

func main() { program.Main("inspect", run) }

// options are the arguments.
type options struct {
	listen string
	lasts  time.Duration // zero: until Ctrl-C
}

func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("inspect", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "where the page is served; port 0 is any that is free")
	flags.DurationVar(&o.lasts, "for", 0, "end after that time (default: with Ctrl-C)")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.lasts < 0 || flags.NArg() > 0 {
		return options{}, errors.New("usage: inspect [-listen host:port] [-for duration]")
	}
	return o, nil
}

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	server, err := testenv.Start(ctx, testenv.Options{Progress: func(what string) { fmt.Fprintln(out, "  "+what) }})
	if err != nil {
		return err
	}
	database, err := pgbench.On(ctx, server)
	if err != nil {
		return errors.Join(err, program.Left(server.Close()))
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	db, err := open(ctx, database)
	if err != nil {
		return err
	}
	defer db.Close()
	page, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  http://%s/debug/pgcache/\n\n", page.Addr())
	if o.lasts == 0 {
		return serve(ctx, db, page)
	}
	limited, cancel := context.WithTimeout(ctx, o.lasts)
	defer cancel()
	err = serve(limited, db, page)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil
	}
	return err
}

// serve serves the pages and keeps the database busy, until the context ends or one of both fails. It returns the reason.
func serve(ctx context.Context, db *sql.DB, page net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/debug/pgcache/", inspect.Handler(db, inspect.AllowFlush()))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	ctx, cancel := context.WithCancelCause(ctx)
	var both sync.WaitGroup
	both.Go(func() { cancel(server.Serve(page)) })
	both.Go(func() { cancel(busy(ctx, db)) })
	<-ctx.Done()
	err := errors.Join(context.Cause(ctx), server.Close())
	both.Wait()
	return err
}
