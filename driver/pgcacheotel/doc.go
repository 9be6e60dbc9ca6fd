// Package pgcacheotel gives OpenTelemetry what a pgcache connector does: metrics, and spans for fills.
//
//	db, err := driver.OpenDB(dsn, pgcacheotel.New())
//
// An option is for one connector; server.address and db.namespace tell several apart. What is measured begins with the
// connector and ends when that is closed; there is nothing to shut down.
//
// # Metrics
//
// db.client.operation.duration is as the semantic conventions for databases want it, for every query that returns rows, those
// that the cache answered included: from when the driver was asked to the first row. The attribute pgcache.result tells how it
// was answered. The others are pgcache's own: pgcache.lookups, pgcache.time_saved, pgcache.fill.duration, pgcache.fills,
// pgcache.fills.rejected, pgcache.store.errors, pgcache.evictions, pgcache.invalidations, pgcache.entries, pgcache.size,
// pgcache.feed.lag.
//
// # Spans
//
// A fill, which is where a query really goes to PostgreSQL, is a span of kind client, a child of the caller's. The caller's
// own span gets the attributes pgcache.result and pgcache.rule of the last query made under it. Neither SQL nor anything out of
// the data is recorded, unless [WithQueryText] asks for the text; arguments never are.
package pgcacheotel
