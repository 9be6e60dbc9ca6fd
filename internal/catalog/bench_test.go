package catalog

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/internal/statement"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

// BenchmarkAsk is the round trip that a new statement costs. On a machine with other work the minimum says most.
func BenchmarkAsk(b *testing.B) {
	conn, err := pgx.Connect(b.Context(), pgtest.Database(b))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(b.Context()) })
	if _, err := conn.Exec(b.Context(), schema+"set search_path = shop, public"); err != nil {
		b.Fatal(err)
	}
	for name, sql := range map[string]string{
		"table": "select id, name from customers where id = 1",
		"view":  "select n.name, count(*), max(n.id) from named n, nested where lower(n.name) = 'x' group by 1",
		"write": "update orders set customer = 1 where id = 2",
	} {
		b.Run(name, func(b *testing.B) {
			st, least := statement.Analyze(sql), time.Hour
			for b.Loop() {
				began := time.Now()
				if _, err := Ask(b.Context(), conn.PgConn(), st); err != nil {
					b.Fatal(err)
				}
				least = min(least, time.Since(began))
			}
			b.ReportMetric(float64(least.Microseconds()), "least-µs")
		})
	}
}
