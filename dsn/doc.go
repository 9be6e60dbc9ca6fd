// Package dsn says what a pgcache connection string means.
//
// A pgcache connection string is one that pgx takes, plus parameters whose
// names start with "pgcache". [Parse] cuts those out and leaves the rest, the
// base, byte for byte as it was: pgx alone decides what the base means. Three
// forms are read:
//
//	postgres://app@db.example/prod?sslmode=require&pgcache_rule=hot: table=accounts ttl=10m
//	host=db.example user=app dbname=prod pgcache_rule='hot: table=accounts ttl=10m'
//	registeredConnConfig0 pgcache_rule='hot: table=accounts ttl=10m'
//
// The third starts with a name given out by pgx's stdlib.RegisterConnConfig;
// its parameters may also follow a '?' and be written as in a URL. An empty
// base is fine: pgx then takes everything from the environment.
//
// # Writing a parameter
//
// In keyword/value form quoting is libpq's: single quotes around a value with
// blanks, and a backslash before a quote or a backslash.
//
// In a URL the value is percent-decoded. Blanks and '=' may stand as they are;
// '&' and '%' are written %26 and %25. A '+' is a '+', with one exception: a
// rule without any blank, which could not be valid otherwise, has its '+' read
// as blanks, so that a query made by [net/url.Values.Encode] works.
//
// Every parameter but pgcache_rule may be given once. Names are lower case. A
// parameter that starts with "pgcache" and is not known, or whose value is
// wrong, is an [Error], which names the nearest valid spelling and never shows
// a password.
//
// # Rules
//
// A rule is a name, what it matches, and its options, split by blanks:
//
//	name: matcher... option...
//
// The matchers, all of which must hold:
//
//	table=a,b,sales.*     every table read is in the list (see TablePattern)
//	any_table=a,b         at least one table read is in the list
//	sql~REGEX             the SQL text contains a match of the expression
//	sql~"REGEX"           the same, with blanks; \" is a quote
//	hint                  only statements whose hint names this rule
//	*                     every statement
//
// The options:
//
//	ttl=10m               required: no answer is older than this
//	stale=1m              answer that much longer while one fill runs
//	stale_if_error=1h     answer that much longer while PostgreSQL fails
//	max_rows=1000         larger results are not kept
//	max_bytes=1MiB        larger results are not kept
//	empty=cache           keep results without rows (the default), or skip
//	allow=now,app.price   functions vouched for (see FunctionPattern)
//	consistency=tracked   this level; no lower one than the DSN names, if it names one
//	refresh=early         refresh popular entries before they expire
//	lock=5s               the longest wait for somebody else's fill
//
// Sizes are whole numbers of bytes or of kB, MB, GB, TB (powers of 1000) and
// KiB, MiB, GiB, TiB (powers of 1024). Durations are Go's, with d for 24 hours.
//
// A rules file has one rule a line; blank lines, and everything after a word
// that starts with '#', are comments.
package dsn
