package pgcacheotel

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/gopgcache/pgcache/driver"
)

// instruments are what is recorded as it happens. The rest is read from the statistics when somebody asks.
type instruments struct {
	operation, fill metric.Float64Histogram
	invalidations   metric.Int64Counter
}

// Bounds of the histograms, in seconds. Hits take microseconds, which the conventions' advice would put into one bucket.
var (
	operationBounds = []float64{1e-6, 4e-6, 16e-6, 64e-6, 256e-6, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}
	fillBounds      = []float64{0.00025, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60}
)

// register makes the instruments. Those that can't be made do nothing.
func (t *telemetry) register(connector *driver.Connector) error {
	m := t.meters.Meter(scope)
	var errs [3]error
	t.instruments.operation, errs[0] = m.Float64Histogram("db.client.operation.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of database client operations."), metric.WithExplicitBucketBoundaries(operationBounds...))
	t.instruments.fill, errs[1] = m.Float64Histogram("pgcache.fill.duration", metric.WithUnit("s"),
		metric.WithDescription("How long PostgreSQL took to answer the queries that make entries, until the last row."),
		metric.WithExplicitBucketBoundaries(fillBounds...))
	t.instruments.invalidations, errs[2] = m.Int64Counter("pgcache.invalidations", metric.WithUnit("{event}"),
		metric.WithDescription("Events that made answers stale, by source."))
	return errors.Join(errors.Join(errs[:]...), t.readings(m, connector))
}

// reading is an instrument that is read from the statistics.
type reading struct {
	instrument metric.Observable
	report     func(metric.Observer, *driver.Stats)
}

// readings registers what is read from the statistics.
func (t *telemetry) readings(m metric.Meter, connector *driver.Connector) (err error) {
	var list []reading
	counter := func(name, unit, description string, of func(*driver.Stats) int64, with ...attribute.KeyValue) {
		i, failed := m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		err = errors.Join(err, failed)
		option := t.with(with...)
		list = append(list, reading{i, func(o metric.Observer, s *driver.Stats) { o.ObserveInt64(i, of(s), option) }})
	}
	gauge := func(name, unit, description string, of func(*driver.Stats) int64) {
		i, failed := m.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		err = errors.Join(err, failed)
		option := t.with()
		list = append(list, reading{i, func(o metric.Observer, s *driver.Stats) { o.ObserveInt64(i, of(s), option) }})
	}
	lookups := func(result driver.Result, of func(*driver.Stats) int64) {
		counter("pgcache.lookups", "{query}", "Queries that returned rows, by how they were answered.", of,
			attribute.String("result", string(result)))
	}
	lookups(driver.ResultHit, func(s *driver.Stats) int64 { return s.Hits - s.StaleServed })
	lookups(driver.ResultStale, func(s *driver.Stats) int64 { return s.StaleServed })
	lookups(driver.ResultCoalesced, func(s *driver.Stats) int64 { return s.Coalesced })
	lookups(driver.ResultMiss, func(s *driver.Stats) int64 { return s.Misses })
	lookups(driver.ResultBypass, func(s *driver.Stats) int64 { return s.Bypassed })
	counter("pgcache.fills", "{fill}", "Fills that came to an end.", func(s *driver.Stats) int64 { return s.Fills })
	counter("pgcache.fills.rejected", "{fill}", "Results not kept because a table changed while they were read.",
		func(s *driver.Stats) int64 { return s.RejectedFills })
	counter("pgcache.store.errors", "{error}", "Times that the store could not do its work.",
		func(s *driver.Stats) int64 { return s.StoreErrors })
	counter("pgcache.evictions", "{entry}", "Entries dropped before their time.",
		func(s *driver.Stats) int64 { return s.Evicted }, attribute.String("reason", "memory"))
	gauge("pgcache.entries", "{entry}", "Entries in this process's memory.", func(s *driver.Stats) int64 { return s.Entries })
	gauge("pgcache.size", "By", "Memory that the entries take up.", func(s *driver.Stats) int64 { return s.Bytes })

	saved, failed := m.Float64ObservableCounter("pgcache.time_saved", metric.WithUnit("s"),
		metric.WithDescription("What the hits would have cost PostgreSQL."))
	lag, failedToo := m.Float64ObservableGauge("pgcache.feed.lag", metric.WithUnit("s"),
		metric.WithDescription("How far behind the feed of changes is; nothing without one."))
	plain := t.with()
	list = append(list,
		reading{saved, func(o metric.Observer, s *driver.Stats) { o.ObserveFloat64(saved, s.TimeSaved.Seconds(), plain) }},
		reading{lag, func(o metric.Observer, s *driver.Stats) {
			if s.Feed != "none" {
				o.ObserveFloat64(lag, s.FeedLag.Seconds(), plain)
			}
		}})
	return errors.Join(err, failed, failedToo, t.watch(m, connector, list))
}

// watch has the readings taken when somebody asks.
func (t *telemetry) watch(m metric.Meter, connector *driver.Connector, list []reading) (err error) {
	all := make([]metric.Observable, len(list))
	for i, r := range list {
		all[i] = r.instrument
	}
	t.gauges, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		stats := connector.Stats()
		for _, r := range list {
			r.report(o, &stats)
		}
		return nil
	}, all...)
	return err
}
