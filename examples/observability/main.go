// Command observability is a service that can be watched: /metrics is for Prometheus, its traces go to OpenTelemetry, and visitors
// of its own see to it that there is something to watch. compose.yaml starts it with all that belongs to it:
//
//	docker compose -f examples/observability/compose.yaml up --build
//
// By hand it needs a database to make its tables in, and says where it listens:
//
//	DATABASE_URL='postgres://...&pgcache_rule=shop: * ttl=1m' go run ./examples/observability [-listen 127.0.0.1:8080] [-visit 20ms]
//
// Traces go where OTEL_EXPORTER_OTLP_ENDPOINT says; without it there are none.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/driver/pgcacheotel"
	"github.com/gopgcache/pgcache/driver/pgcacheprom"
	"github.com/gopgcache/pgcache/examples/internal/program"
)

func main() { program.Main("observability", run) }

// options are the arguments.
type options struct {
	listen string
	visit  time.Duration // zero: nobody comes
}

func parse(args []string, out io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("observability", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "where pages and metrics are served; port 0 is any that is free")
	flags.DurationVar(&o.visit, "visit", 20*time.Millisecond, "how often a visitor comes; 0: nobody does")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if o.visit < 0 || flags.NArg() > 0 {
		return options{}, errors.New("usage: observability [-listen host:port] [-visit duration]")
	}
	return o, nil
}

// run is the whole program.
func run(ctx context.Context, args []string, out io.Writer) (err error) {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	spans, err := startTracing(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endTracing(ctx, spans)) }()

	metrics := pgcacheprom.NewCollector("shop")
	db, err := driver.OpenDB(os.Getenv("DATABASE_URL"), metrics.Option(), pgcacheotel.New(pgcacheotel.WithTracerProvider(spans)))
	if err != nil {
		return fmt.Errorf("opening the database: %w", err)
	}
	defer db.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics, collectors.NewDBStatsCollector(db, "shop"), collectors.NewGoCollector())

	s := &shop{db: db, tracer: spans.Tracer("shop")}
	if err := s.stock(ctx); err != nil {
		return err
	}
	mux := s.pages()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  http://%s/ and /metrics\n", listener.Addr())
	return serve(ctx, listener, mux, o.visit)
}

// serve serves the pages, and has visitors ask for them, until the context ends or the server fails. It returns the reason.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, every time.Duration) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	ctx, cancel := context.WithCancelCause(ctx)
	var both sync.WaitGroup
	both.Go(func() { cancel(server.Serve(listener)) })
	if every > 0 {
		_, port, _ := net.SplitHostPort(listener.Addr().String()) // what listens has an address
		both.Go(func() { visit(ctx, "http://localhost:"+port, every) })
	}
	<-ctx.Done()
	err := errors.Join(context.Cause(ctx), server.Close())
	both.Wait()
	return err
}
