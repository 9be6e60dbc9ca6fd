// Package rowset holds one result of PostgreSQL as the bytes that the server sent, and replays it as database/sql rows
// that can't be told from pgx's own.
//
// A result is kept as wire bytes and not as Go values: that is exact (nothing is converted before the caller asks),
// compact (one buffer, few pointers), and it lets one decoder serve the first reading and every replay.
//
// The parts, in the order that a result meets them:
//
//   - [Columns] turns the server's row description into [Column] values, and refuses a result whose types the connection
//     decodes in a way that a replay could not repeat.
//   - A [Layout] is what all results of one statement have in common.
//   - A [Recording] takes the rows as they arrive, lets one reader read along, and gives the [Set], which never changes afterwards
//     and may be read by any number of goroutines. [Builder] makes a Set of rows that are there already.
//   - [Rows] implements driver.Rows over a Set, or over a [Source] that is still being read from the server.
//   - [Set.AppendEncoded] and [Decode] carry a Set through stores outside the process.
//
// # Row format
//
// Everywhere in this package a row is a 4-byte big-endian length of what follows, and then for each column a 4-byte
// big-endian length and that many bytes; a length of -1 is NULL. That is PostgreSQL's DataRow message without its type byte
// and its count, so a row of a result without columns is four zero bytes.
//
// # What a replay hands out
//
// A replay never lets a caller write to the bytes of a Set, nor reach those of a Source that it will use again. Numbers and times
// are decoded into small arrays, texts and byte strings are copied into small blocks; each is made for a few KiB of rows, each
// []byte is a region of its own with no spare capacity, and long values have memory of their own. Of a Set of a few KiB texts are
// not copied, nor is one that is most of a large Set: they point into it, as it never changes. So a caller may keep a value, or
// write into a []byte, without any effect on other values, on later replays or on the Set, and a kept value pins little beside
// itself.
package rowset
