// Package regress runs PostgreSQL's own regression SQL through pgcache and through plain pgx, and looks for a difference.
//
// Three servers are made alike. Two are used through pgx and one through pgcache, with a rule that matches everything. Each
// statement of each file runs on all three, those that read run twice in a row, and all that a program can see is compared:
// columns and their types, rows with the Go type of every value, rows affected, errors, notices. Two plain servers, since
// some answers differ from run to run by nature: only where those two agree can a third be wrong.
//
// The files are PostgreSQL's and stay outside of this repository. PGCACHE_REGRESS_DIR names the folder src/test/regress of
// PostgreSQL's sources, of the version of the server's programs:
//
//	apt-get source --download-only postgresql-15   # wants a deb-src line in the list of sources
//	tar xf postgresql-15_*.orig.tar.bz2
//	PGCACHE_REGRESS_DIR=$PWD/postgresql-15.18/src/test/regress make regress
//
// Further variables, all optional:
//
//   - PGCACHE_REGRESS_LIB names a folder with regress.so, refint.so and autoinc.so. Without it the statements that need
//     their C functions fail, in the same way on all servers.
//   - PGCACHE_REGRESS_ONLY lists files to run, with commas between; what they build on is for the caller to name.
//   - PGCACHE_REGRESS_MODE is pgx's default_query_exec_mode, for both tests.
//   - PGCACHE_REGRESS_REPORT names a file for the whole report. The test's log has it too.
//
// The scripts are written for psql, so there is as much of psql here as they need: see [lexer] and [player].
package regress
