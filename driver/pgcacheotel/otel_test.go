package pgcacheotel

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/gopgcache/pgcache/driver"
	"github.com/gopgcache/pgcache/internal/testenv/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// observed is a database whose metrics and spans are at hand.
type observed struct {
	t *testing.T
	*sql.DB
	reader *sdkmetric.ManualReader
	spans  *tracetest.SpanRecorder
	tracer oteltrace.Tracer
}

func open(t *testing.T, opts ...Option) *observed {
	t.Helper()
	o := &observed{t: t, reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	tracers := trace.NewTracerProvider(trace.WithSpanProcessor(o.spans))
	o.tracer = tracers.Tracer("test")
	opts = append([]Option{
		WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(o.reader))), WithTracerProvider(tracers),
	}, opts...)
	dsn := pgtest.Database(t)
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	var err error
	if o.DB, err = driver.OpenDB(dsn+separator+"pgcache_rule=all:+table=t+ttl=1h", New(opts...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	if _, err := o.ExecContext(t.Context(), "create table t as select 1 as a"); err != nil {
		t.Fatal(err)
	}
	return o
}

// read reads under a span of its own.
func (o *observed) read(query string) error {
	ctx, span := o.tracer.Start(o.t.Context(), "caller")
	defer span.End()
	var n int
	return o.QueryRowContext(ctx, query).Scan(&n)
}

// metrics gives the count, or the value, of each metric under its name and those of its attributes that tell series apart.
func (o *observed) metrics() map[string]int64 {
	o.t.Helper()
	var all metricdata.ResourceMetrics
	if err := o.reader.Collect(context.Background(), &all); err != nil {
		o.t.Fatal(err)
	}
	got := map[string]int64{}
	add := func(name string, set attribute.Set, n int64) {
		for _, key := range []attribute.Key{"result", "pgcache.result", "source", "reason", "error.type"} {
			if v, ok := set.Value(key); ok {
				name += " " + v.AsString()
			}
		}
		if v, _ := set.Value("db.system.name"); v.AsString() != "postgresql" || !set.HasValue("db.namespace") || !set.HasValue("server.address") {
			o.t.Errorf("%s has %v", name, set.ToSlice())
		}
		got[name] = n
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					add(m.Name, p.Attributes, p.Value)
				}
			case metricdata.Sum[float64]:
				for _, p := range d.DataPoints {
					add(m.Name, p.Attributes, int64(p.Value*1e9))
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					if p.Sum <= 0 || m.Unit != "s" {
						o.t.Errorf("%s: %v %s", m.Name, p.Sum, m.Unit)
					}
					add(m.Name, p.Attributes, int64(p.Count))
				}
			default:
				o.t.Errorf("%s is a %T", m.Name, d)
			}
		}
	}
	return got
}

func TestMetrics(t *testing.T) {
	o := open(t)
	for range 3 {
		if err := o.read("select a from t"); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.read("select a / 0 from t"); err == nil {
		t.Fatal("no division by zero")
	}
	if err := o.read("select 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ExecContext(t.Context(), "update t set a = 2"); err != nil {
		t.Fatal(err)
	}
	got := o.metrics()
	for name, want := range map[string]int64{
		"pgcache.lookups hit": 2, "pgcache.lookups miss": 2, "pgcache.lookups bypass": 1,
		"pgcache.lookups stale": 0, "pgcache.lookups coalesced": 0,
		"db.client.operation.duration hit": 2, "db.client.operation.duration miss": 1, "db.client.operation.duration bypass": 1,
		"db.client.operation.duration miss 22012": 1,
		"pgcache.fill.duration":                   1, "pgcache.fill.duration 22012": 1, "pgcache.fills": 2, "pgcache.fills.rejected": 0,
		"pgcache.invalidations write": 1, "pgcache.invalidations schema": 1, "pgcache.evictions memory": 0,
		"pgcache.store.errors": 0, "pgcache.entries": 1,
	} {
		if n, ok := got[name]; !ok || n != want {
			t.Errorf("%s is %d, want %d", name, n, want)
		}
	}
	if got["pgcache.size"] <= 0 || got["pgcache.time_saved"] <= 0 {
		t.Errorf("%d bytes, %d ns saved", got["pgcache.size"], got["pgcache.time_saved"])
	}
	if _, ok := got["pgcache.feed.lag"]; ok {
		t.Error("a feed that is not there has a lag")
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := o.metrics()["pgcache.entries"]; ok {
		t.Error("a closed connector is read")
	}
}

func TestSpans(t *testing.T) {
	for _, text := range []bool{false, true} {
		t.Run(fmt.Sprintf("text %t", text), func(t *testing.T) {
			opts := []Option{WithAttributes(attribute.String("tier", "gold"))}
			if text {
				opts = append(opts, WithQueryText())
			}
			o := open(t, opts...)
			for range 2 {
				if err := o.read("select a from t"); err != nil {
					t.Fatal(err)
				}
			}
			_ = o.read("select a / 0 from t")
			spans := o.spans.Ended()
			var names []string
			for _, s := range spans {
				names = append(names, s.Name())
			}
			if want := []string{"pgcache.fill", "caller", "caller", "pgcache.fill", "caller"}; !slices.Equal(names, want) {
				t.Fatalf("spans %v, want %v", names, want)
			}
			fill, miss, hit, failed := spans[0], spans[1], spans[2], spans[3]
			if fill.Parent().SpanID() != miss.SpanContext().SpanID() || fill.SpanKind() != oteltrace.SpanKindClient {
				t.Error("the fill is not the caller's, or no client's")
			}
			if !fill.EndTime().After(fill.StartTime()) || fill.StartTime().Before(miss.StartTime()) {
				t.Errorf("a fill from %v to %v, the caller began at %v", fill.StartTime(), fill.EndTime(), miss.StartTime())
			}
			want(t, fill, "pgcache.rule", "all")
			want(t, fill, "db.response.returned_rows", "1")
			want(t, fill, "db.system.name", "postgresql")
			want(t, fill, "tier", "gold")
			want(t, miss, "pgcache.result", "miss")
			want(t, hit, "pgcache.result", "hit")
			want(t, hit, "pgcache.rule", "all")
			want(t, failed, "error.type", "22012")
			if failed.Status().Code != codes.Error {
				t.Error("a fill that failed is well")
			}
			if text {
				want(t, fill, "db.query.text", "select a from t")
				return
			}
			for _, s := range spans {
				for _, a := range s.Attributes() {
					if strings.Contains(a.Value.String(), "select") {
						t.Errorf("%s has %s", s.Name(), a.Value.String())
					}
				}
			}
		})
	}
}

func want(t *testing.T, s trace.ReadOnlySpan, key, value string) {
	t.Helper()
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			if a.Value.String() != value {
				t.Errorf("%s: %s is %s, want %s", s.Name(), key, a.Value.String(), value)
			}
			return
		}
	}
	t.Errorf("%s has no %s", s.Name(), key)
}

func TestErrorTypes(t *testing.T) {
	for want, err := range map[string]error{
		"context.Canceled": fmt.Errorf("x: %w", context.Canceled), "context.DeadlineExceeded": context.DeadlineExceeded,
		"pgcache.ErrNotCached": driver.ErrNotCached, "_OTHER": sql.ErrConnDone,
	} {
		if got := failure(err)[0].Value.AsString(); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}
