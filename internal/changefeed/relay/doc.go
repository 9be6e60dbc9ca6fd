// Package relay is the feed of a fleet: one of its processes reads the WAL, with one replication slot, and the others are told
// by it. Every process asks the server itself for what only the server can know: barriers, and where own writes ended.
//
// # Who leads
//
// Whoever holds an advisory lock, in a session that the server ends when it says nothing for two and a half seconds, so
// a leader that is stopped loses the lock. The leader runs the feed of package wal. Each of its streams has a Term: the number
// of a transaction that it begins when it has the lock, and a count. A later leader's is higher, since it got the lock later.
// Within a term the batches are numbered. A follower takes one term at a time and never goes back to an earlier one; another
// term, a number that is missing, and two seconds of silence are each a loss of the stream.
//
// # Where a follower begins
//
// It can begin with any batch that names the generation, of which there are four a second, and more on request. A batch says
// R, which no commit that was told before the batch is behind, and A, which none of their transactions has a higher number
// than, nor any that the leader's own stream may lack. The follower, which has received since before the batch was made, asks
// the server where the WAL ends, L, and starts its sink with the position max(R, L) and after A. So:
//
//   - An entry that counts as fresh has a position from max(R, L) on. A commit that was told before the batch has a
//     position up to R and a number up to A. The entry's fill saw the end of all transactions up to A (rule 4 of package
//     freshness), so it holds that commit. All other commits are told, and rules 1 to 3 do the rest.
//   - An own write that was acknowledged while there was no stream ended at or before L, and what was read before it is stale,
//     as with the feed of package wal: the role is taken up first, and L asked for after.
//   - An entry that another process admitted has a position p in the same WAL, and its fill held against it all that was told
//     to that process up to p, and saw the end of what was not. If it is fresh here, no commit with its tags was told here
//     with a position behind p, and none that was missed here is behind p, since p is not before R. This says nothing of tags
//     of rows of a column that came to matter here after p: see Interest.
//
// # Progress
//
// A batch ends with how far the leader's stream has passed, when that is known. Idle followers are told four times a second;
// one that waits for a position asks the leader, who says so as soon as it has passed it. A follower's barrier asks the server
// for a snapshot and a position on the follower's own connection, and opens when what was relayed has come that far; so a
// leader, or a transport, that is late makes barriers late, and never wrong.
//
// # Columns that matter
//
// A follower asks the leader to heed the columns whose values matter to it, and until the leader has said that it does, the
// follower takes every commit on a table to have touched all rows as far as the column goes. The leader says so in the stream,
// and there the order counts: a commit whose tags were gathered before the column was heeded must not come after. Tags are
// gathered by the goroutine that tells the publisher; so it is that goroutine which puts the word into the stream, behind
// the commit that it tells just then. Followers forget what is heeded with each stream and ask again.
//
// A column may come to matter at a follower while a commit is on its way to it. What the follower fills from then on waits
// for that commit, and is held against it by its table, as with the feed of package wal. But an entry of a shared store,
// filled elsewhere, may be older: its tags of rows mean something here only if its position is not before one that was
// asked of the server after the column came to matter here.
package relay
