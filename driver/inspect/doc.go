// Package inspect is a web page that shows what a pgcache database does: what it answers from its cache and why, what that
// saves, and what is not cached for which reason. A program mounts it where its other pages for operators are:
//
//	db, err := sql.Open("pgcache", dsn)
//	...
//	mux.Handle("/debug/pgcache/", inspect.Handler(db))
//
// # What it shows
//
// Everything on the pages comes from the SQL that any client may ask (SHOW pgcache.stats, SHOW pgcache.statements,
// SHOW pgcache.rules, SHOW pgcache.feed, SHOW pgcache.advice and EXPLAIN (PGCACHE)), so the pages never say anything else
// than SHOW does. They work without JavaScript. With it they update themselves, and texts can be copied.
//
// The plots are drawn from samples that are taken when somebody looks at the overview, and at no other time: the package
// starts no goroutine, and there is nothing to close.
//
// # Who may see it
//
// The pages show SQL texts, with whatever literals are in them, the names of tables, and the settings of sessions. The
// package knows no users and no passwords: mount it behind what protects your other internal pages, or on a loopback
// address. It changes nothing, unless [AllowFlush] adds a button that empties the cache, and it runs no SQL that a visitor
// wrote: the proof of a statement is asked for a text that the driver has seen before, and is not executed.
package inspect
