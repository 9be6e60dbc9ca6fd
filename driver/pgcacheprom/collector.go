// Package pgcacheprom gives Prometheus what a pgcache connector does.
//
// A [Collector] is made for one connector, handed to it as an option, and registered like any other collector:
//
//	metrics := pgcacheprom.NewCollector("shop")
//	db, err := driver.OpenDB(dsn, metrics.Option())
//	prometheus.MustRegister(metrics)
//
// Every metric has the label db_name, like those of client_golang's NewDBStatsCollector, which stands well beside it. Counts
// come from [driver.Connector.Stats] when they are asked for; only the histograms, and the counts of invalidations by source,
// cost anything while a query runs: some 100 ns each.
//
// The file grafana.json in this package's directory is a dashboard for these metrics.
package pgcacheprom

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gopgcache/pgcache/driver"
)

var _ prometheus.Collector = (*Collector)(nil)

// Collector collects the metrics of one connector. It is safe for concurrent use. Until a connector was made with its option
// the metrics are there and 0; after that was closed they stay what they were.
type Collector struct {
	connector atomic.Pointer[driver.Connector]
	readings  []reading

	lookup        *prometheus.HistogramVec
	fill          prometheus.Histogram
	invalidations *prometheus.CounterVec
	feedLosses    prometheus.Counter
}

// Settings change what a collector measures. The zero value is what [NewCollector] uses.
type Settings struct {
	// LookupBuckets are the upper bounds of the histogram of lookups, in seconds. Hits take microseconds and misses
	// milliseconds or more; the default goes from 1 µs to 17 s, four times the one before each.
	LookupBuckets []float64
	// FillBuckets are those of fills. The default goes from 250 µs to 65 s, four times the one before each.
	FillBuckets []float64
}

// NewCollector makes a collector. dbName is the value of the label db_name: whatever tells this connector from others.
func NewCollector(dbName string) *Collector { return NewCollectorWith(dbName, Settings{}) }

// NewCollectorWith is NewCollector with other settings.
func NewCollectorWith(dbName string, s Settings) *Collector {
	if s.LookupBuckets == nil {
		s.LookupBuckets = prometheus.ExponentialBuckets(1e-6, 4, 13)
	}
	if s.FillBuckets == nil {
		s.FillBuckets = prometheus.ExponentialBuckets(250e-6, 4, 10)
	}
	labels := prometheus.Labels{"db_name": dbName}
	c := &Collector{
		readings: readingsFor(labels),
		lookup: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "pgcache_lookup_duration_seconds", ConstLabels: labels, Buckets: s.LookupBuckets,
			Help: "How long queries took until their first row, by how they were answered.",
		}, []string{"result"}),
		fill: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pgcache_fill_duration_seconds", ConstLabels: labels, Buckets: s.FillBuckets,
			Help: "How long PostgreSQL took to answer the queries that make entries, until the last row.",
		}),
		invalidations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pgcache_invalidations_total", ConstLabels: labels,
			Help: "Events that made answers stale, by source.",
		}, []string{"source"}),
		feedLosses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "pgcache_feed_losses_total", ConstLabels: labels,
			Help: "Times that the feed of changes was lost.",
		}),
	}
	// All are there from the start, so that rates begin at 0.
	for _, r := range []driver.Result{driver.ResultHit, driver.ResultMiss} {
		c.lookup.WithLabelValues(string(r))
	}
	for _, s := range []driver.Source{driver.SourceWrite, driver.SourceFeed, driver.SourceCall, driver.SourceSchema} {
		c.invalidations.WithLabelValues(string(s))
	}
	return c
}

// Option has a connector tell the collector what it does. It is for one connector; if more are made with it, counts and sizes
// are those of the last.
func (c *Collector) Option() driver.Option {
	return driver.WithObserver(driver.Observer{
		Opened: func(connector *driver.Connector) { c.connector.Store(connector) },
		Lookup: func(_ context.Context, l driver.Lookup) {
			c.lookup.WithLabelValues(string(l.Result)).Observe(l.Duration.Seconds())
		},
		Fill:        func(_ context.Context, f driver.Fill) { c.fill.Observe(f.Duration.Seconds()) },
		Invalidated: func(i driver.Invalidation) { c.invalidations.WithLabelValues(string(i.Source)).Inc() },
		Feed: func(f driver.FeedChange) {
			if !f.Live {
				c.feedLosses.Inc()
			}
		},
	})
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, r := range c.readings {
		to <- r.desc
	}
	for _, v := range c.observed() {
		v.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	var stats driver.Stats
	if connector := c.connector.Load(); connector != nil {
		stats = connector.Stats()
	}
	for _, r := range c.readings {
		to <- prometheus.MustNewConstMetric(r.desc, r.kind, r.of(&stats), r.labels...)
	}
	for _, v := range c.observed() {
		v.Collect(to)
	}
}

// observed are the metrics that an observer feeds.
func (c *Collector) observed() []prometheus.Collector {
	return []prometheus.Collector{c.lookup, c.fill, c.invalidations, c.feedLosses}
}

// reading is a metric that is read from the statistics.
type reading struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string // the values of its labels
	of     func(*driver.Stats) float64
}

func readingsFor(labels prometheus.Labels) (list []reading) {
	metric := func(name, help string, label ...string) func(prometheus.ValueType, func(*driver.Stats) float64, ...string) {
		desc := prometheus.NewDesc(name, help, label, labels)
		return func(kind prometheus.ValueType, of func(*driver.Stats) float64, values ...string) {
			list = append(list, reading{desc, kind, values, of})
		}
	}
	const counter, gauge = prometheus.CounterValue, prometheus.GaugeValue

	lookups := metric("pgcache_lookups_total", "Queries that returned rows, by how they were answered.", "result")
	lookups(counter, func(s *driver.Stats) float64 { return float64(s.Hits - s.StaleServed) }, string(driver.ResultHit))
	lookups(counter, func(s *driver.Stats) float64 { return float64(s.StaleServed) }, string(driver.ResultStale))
	lookups(counter, func(s *driver.Stats) float64 { return float64(s.Coalesced) }, string(driver.ResultCoalesced))
	lookups(counter, func(s *driver.Stats) float64 { return float64(s.Misses) }, string(driver.ResultMiss))
	lookups(counter, func(s *driver.Stats) float64 { return float64(s.Bypassed) }, string(driver.ResultBypass))

	metric("pgcache_saved_seconds_total", "What the hits would have cost PostgreSQL.")(
		counter, func(s *driver.Stats) float64 { return seconds(s.TimeSaved) })
	metric("pgcache_shared_hits_total", "Of the hits, those from the store that a fleet shares.")(
		counter, func(s *driver.Stats) float64 { return float64(s.SharedHits) })
	metric("pgcache_fills_total", "Fills that came to an end, background ones included.")(
		counter, func(s *driver.Stats) float64 { return float64(s.Fills) })
	metric("pgcache_fill_errors_total", "Of the fills, those that failed.")(
		counter, func(s *driver.Stats) float64 { return float64(s.FillErrors) })
	metric("pgcache_rejected_fills_total", "Results not kept because a table changed while they were read.")(
		counter, func(s *driver.Stats) float64 { return float64(s.RejectedFills) })
	metric("pgcache_store_errors_total", "Times that the store could not do its work.")(
		counter, func(s *driver.Stats) float64 { return float64(s.StoreErrors) })
	metric("pgcache_corrupt_entries_total", "Entries that were not what their key stands for.")(
		counter, func(s *driver.Stats) float64 { return float64(s.CorruptEntries) })
	metric("pgcache_evictions_total", "Entries dropped from this process's memory before their time, by reason.", "reason")(
		counter, func(s *driver.Stats) float64 { return float64(s.Evicted) }, "memory")

	metric("pgcache_entries", "Entries in this process's memory.")(
		gauge, func(s *driver.Stats) float64 { return float64(s.Entries) })
	metric("pgcache_size_bytes", "Memory that the entries take up.")(
		gauge, func(s *driver.Stats) float64 { return float64(s.Bytes) })
	metric("pgcache_feed_lag_seconds", "How far behind the feed of changes is; 0 without one.")(
		gauge, func(s *driver.Stats) float64 { return seconds(s.FeedLag) })
	metric("pgcache_feed_live", "Whether changes made elsewhere are followed by a feed.")(
		gauge, func(s *driver.Stats) float64 {
			if s.Feed == "" || s.Feed == "none" {
				return 0
			}
			return 1
		})
	return list
}

func seconds(d time.Duration) float64 { return d.Seconds() }
