package pgcacheotel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/gopgcache/pgcache/driver"
)

// scope is the name of the instrumentation.
const scope = "github.com/gopgcache/pgcache/driver/pgcacheotel"

// New makes the option that has a connector measured. It is for one connector: what a second one does would be counted as the
// first one's. What can't be measured is reported to otel.Handle, and is no reason not to open a database.
func New(opts ...Option) driver.Option {
	c := configOf(opts)
	t := &telemetry{config: c, tracer: c.tracers.Tracer(scope)}
	return driver.WithObserver(t.observer())
}

// telemetry measures one connector.
type telemetry struct {
	config
	tracer      trace.Tracer
	instruments instruments
	// common are the attributes of all that is measured.
	common []attribute.KeyValue
	// byResult are those of lookups without an error, made once.
	byResult map[driver.Result]metric.MeasurementOption
	bySource map[driver.Source]metric.MeasurementOption
	gauges   metric.Registration
	opening  sync.Once
}

func (t *telemetry) observer() driver.Observer {
	return driver.Observer{
		Opened: t.open, Closed: t.close,
		Lookup: t.lookup, Fill: t.fill,
		Invalidated: func(i driver.Invalidation) {
			t.instruments.invalidations.Add(context.Background(), 1, t.bySource[i.Source])
		},
	}
}

func (t *telemetry) open(connector *driver.Connector) {
	err := errors.New("pgcache: OpenTelemetry: the option was given to a connector already")
	t.opening.Do(func() { err = t.begin(connector) })
	if err != nil {
		otel.Handle(err)
	}
}

// begin makes the instruments for the connector. Nothing is told of it before.
func (t *telemetry) begin(connector *driver.Connector) error {
	t.common = append(attributesOf(connector.Server()), t.attributes...)
	t.byResult = map[driver.Result]metric.MeasurementOption{}
	for _, r := range []driver.Result{
		driver.ResultHit, driver.ResultStale, driver.ResultCoalesced, driver.ResultMiss, driver.ResultBypass, driver.ResultNone,
	} {
		t.byResult[r] = t.with(result(r))
	}
	t.bySource = map[driver.Source]metric.MeasurementOption{}
	for _, s := range []driver.Source{driver.SourceWrite, driver.SourceFeed, driver.SourceCall, driver.SourceSchema} {
		t.bySource[s] = t.with(attribute.String("source", string(s)))
	}
	if err := t.register(connector); err != nil {
		return fmt.Errorf("pgcache: OpenTelemetry: %w", err)
	}
	return nil
}

func (t *telemetry) close(*driver.Connector) {
	if t.gauges == nil {
		return
	}
	if err := t.gauges.Unregister(); err != nil {
		otel.Handle(fmt.Errorf("pgcache: OpenTelemetry: %w", err))
	}
}

// with gives the attributes of a measurement.
func (t *telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(t.common, more)...))
}

// attributesOf are what the semantic conventions say about a server.
func attributesOf(s driver.Server) []attribute.KeyValue {
	list := []attribute.KeyValue{attribute.String("db.system.name", "postgresql")}
	if s.Database != "" {
		list = append(list, attribute.String("db.namespace", s.Database))
	}
	if s.Host != "" {
		list = append(list, attribute.String("server.address", s.Host))
	}
	if s.Port != 0 && s.Port != defaultPort {
		list = append(list, attribute.Int("server.port", int(s.Port)))
	}
	return list
}

// defaultPort is PostgreSQL's, which the conventions leave out.
const defaultPort = 5432

func result(r driver.Result) attribute.KeyValue { return attribute.String("pgcache.result", string(r)) }

// failure gives the attributes of an error.
func failure(err error) []attribute.KeyValue {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return []attribute.KeyValue{attribute.String("error.type", pg.Code), attribute.String("db.response.status_code", pg.Code)}
	}
	kind := "_OTHER"
	switch {
	case errors.Is(err, context.Canceled):
		kind = "context.Canceled"
	case errors.Is(err, context.DeadlineExceeded):
		kind = "context.DeadlineExceeded"
	case errors.Is(err, driver.ErrNotCached):
		kind = "pgcache.ErrNotCached"
	}
	return []attribute.KeyValue{attribute.String("error.type", kind)}
}

// lookup measures a query, and says on the caller's span how it was answered.
func (t *telemetry) lookup(ctx context.Context, l driver.Lookup) {
	with := t.byResult[l.Result]
	if l.Err != nil {
		with = t.with(append(failure(l.Err), result(l.Result))...)
	}
	t.instruments.operation.Record(ctx, l.Duration.Seconds(), with)
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.SetAttributes(result(l.Result))
		if l.Rule != "" {
			span.SetAttributes(rule(l.Rule))
		}
	}
}

func rule(name string) attribute.KeyValue { return attribute.String("pgcache.rule", name) }

// fill measures a fill, and makes its span after the fact.
func (t *telemetry) fill(ctx context.Context, f driver.Fill) {
	var failed []attribute.KeyValue
	if f.Err != nil {
		failed = failure(f.Err)
	}
	t.instruments.fill.Record(ctx, f.Duration.Seconds(), t.with(failed...))
	_, span := t.tracer.Start(ctx, "pgcache.fill", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithTimestamp(f.Started), trace.WithAttributes(t.common...))
	defer span.End(trace.WithTimestamp(f.Started.Add(f.Duration)))
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(rule(f.Rule))
	span.SetAttributes(failed...)
	if f.Err != nil {
		span.SetStatus(codes.Error, "") // the message may hold data
		return
	}
	span.SetAttributes(attribute.Int("db.response.returned_rows", f.Rows), attribute.Int("pgcache.bytes", f.Bytes))
	if t.text {
		span.SetAttributes(attribute.String("db.query.text", f.SQL))
	}
}
