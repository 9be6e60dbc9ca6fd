package touch_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed/setup"
	"github.com/gopgcache/pgcache/internal/changefeed/touch"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// A barrier that one waits for, and one that many share; beside it the least that a server can be asked.
func BenchmarkBarrier(b *testing.B) {
	dsn := pgtest.Database(b)
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), "create table a (id int)"); err != nil {
		b.Fatal(err)
	}
	if _, err := setup.Install(b.Context(), conn.PgConn(), setup.Touch, setup.Publication); err != nil {
		b.Fatal(err)
	}
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	d := newDiary()
	feed := touch.New(touch.Config{Connect: config, Sink: d, Interval: never})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- feed.Run(ctx) }()
	defer func() { cancel(); <-done }()
	for feed.Barrier(ctx) != nil {
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			if err := feed.Barrier(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("shared", func(b *testing.B) {
		b.SetParallelism(64)
		before := feed.Position(0)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := feed.Barrier(ctx); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/float64(feed.Position(0)-before), "barriers/poll")
	})
	b.Run("select 1", func(b *testing.B) {
		for b.Loop() {
			if _, err := conn.Exec(ctx, "select 1"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
