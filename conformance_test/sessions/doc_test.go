// Package sessions_test looks for answers from the cache that PostgreSQL would not give, in worlds that are made up.
//
// A world is a database with schemas whose tables have the same names, views on views, functions, partitions, policies,
// roles and grants, all made from a seed. Several sessions of one sql.DB then set and reset what shapes results, change roles,
// open transactions and roll them back, make temporary tables, write in every way there is, and change the schema. Between all
// that they read. Each read is made through the cache and at once again past it, on the same connection, and the two must be
// equal in columns, types, values and errors. There is no model of what is right: PostgreSQL says it. All writes go through the
// one sql.DB and nothing runs at the same time, so equality has to be exact.
//
// When a read differs, the trace that led there is played again and again with parts of it and of the setup left out, and the
// smallest one that still differs is printed. PGCACHE_SESSIONS_SEED plays the world of one seed.
package sessions_test
