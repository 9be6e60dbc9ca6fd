// Package setup puts into a database what the feeds of changes need, takes it out again, and tells what is there. It is what
// CALL pgcache.install(), CALL pgcache.uninstall() and SHOW pgcache.feed do.
//
// All that it makes is in the schema pgcache, save what PostgreSQL keeps elsewhere, and has a comment that begins with
// "pgcache: ". Nothing that has another owner's comment or none is altered or dropped.
//
//	publication pgcache (or as named)         WAL     tables whose commits are streamed
//	event triggers pgcache_ddl, pgcache_drop  both    tell the feeds of changes of the schema; only a superuser may make them
//	pgcache.ddl_changed(), schema_changed()   both    what they call
//	pgcache.touches, touch_state, touch_limit Touch   the touch log: which transaction has written which table
//	pgcache.touch(), touch_raise() and others Touch   what writes it and keeps it small
//	triggers pgcache_touch                    Touch   one on each table that is tracked
//
// Installing again adds what is missing. Tables that are made later are not tracked until then, except partitions of a table
// that is in the publication itself: an event trigger that changed the schema by itself would be a surprise. The publication
// never gets a table whose rows have no replica identity, since PostgreSQL would refuse to update them from then on; the
// touch log takes any table.
//
// What the event triggers don't see, since PostgreSQL fires none: changes of roles and their memberships, of databases and
// tablespaces, ALTER SYSTEM, REASSIGN OWNED, and the making and unmaking of event triggers. Settings are in a session's
// identity; for the rest the catalog is asked again every minute.
package setup
