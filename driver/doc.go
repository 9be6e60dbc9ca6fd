// Package driver is a database/sql driver for PostgreSQL that behaves like pgx's and answers the reads that its rules name
// from a cache.
//
// It registers itself as "pgcache". A program that opens "pgx" changes that one word and adds rules to its connection
// string:
//
//	db, err := sql.Open("pgcache", "postgres://app@db/shop?pgcache_rule=hot: table=products ttl=10m")
//
// Without a rule, or with pgcache=off, the connections are pgx's own and nothing else is in the way. Package dsn describes
// the parameters. More ways to open are [NewConnector], [NewConnectorConfig] and [NewConnectorPool], each for sql.OpenDB,
// and [OpenDB] for short.
//
// # What is answered from the cache
//
// A statement is answered from the cache only if everything about it is proved: that it is one plain SELECT, that it reads
// permanent tables only, that every function it can call always gives the same result for the same arguments, and that a
// rule matches. EXPLAIN (PGCACHE) in front of a statement tells the verdict and the reason. Whatever is not proved goes to
// PostgreSQL through pgx, unchanged.
//
// # What is guaranteed
//
//   - Two sessions share an answer only if PostgreSQL would give it to both: same server, database, user, role,
//     search_path and settings. After a statement that may have changed the session its state is read back from the server
//     before the next answer.
//   - An answer is never older than its rule's ttl, or the time that stale= and stale_if_error= add to it.
//   - A write through the same [Connector] is seen by every statement that begins after the write returned, in any of its
//     connections. Writes made elsewhere are seen when the ttl has passed; at the level tracked when the feed tells of
//     them; at the level strict at once.
//   - Inside a transaction every statement goes to PostgreSQL, and nothing read there is kept.
//   - Only a result that was read to its clean end is kept.
//
// # What differs from pgx
//
// The value that sql.Conn.Raw gives is a [*Conn] and not pgx's stdlib.Conn: use [PgxConn] to get at the *pgx.Conn. What is
// done there is not seen, so everything counts as changed, and every query goes to PostgreSQL, until the connection is used by
// database/sql again or goes back to its pool.
//
// A connection is dialled when the first statement needs it, not when database/sql opens it: an answer from the cache needs
// no server.
package driver
