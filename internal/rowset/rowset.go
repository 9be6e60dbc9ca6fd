// Package rowset holds one result of PostgreSQL as the bytes that the server sent, and replays it as database/sql rows
// that can't be told from pgx's own.
//
// A result is kept as wire bytes and not as Go values: that is exact (nothing is converted before the caller asks),
// compact (one buffer, few pointers), and it lets one decoder serve the first reading and every replay.
package rowset
