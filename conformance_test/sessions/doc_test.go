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
//
// A test that can't fail proves nothing, so these bugs were put in by hand, one at a time, and found. Beside each is how many
// reads that took (of one of the two players of the long test, with a seed of the day):
//
//	key without role and session user            82
//	key without role                             41
//	key without search_path                   2,759
//	key without TimeZone                      1,967
//	key without DateStyle                    11,889
//	key without IntervalStyle                14,158
//	key without extra_float_digits            1,718
//	key without bytea_output                  1,639
//	key without row_security                  6,142
//	key without transform_null_equals        10,080
package sessions_test
