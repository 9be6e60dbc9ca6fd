// Package touch is the feed that reads the touch log: a table in which triggers write which transaction has changed which
// table. It needs neither logical replication nor keys, and tells of tables only, not of rows. What it reads is made by
// CALL pgcache.install(); see internal/changefeed/setup.
//
// The feed polls. A poll is one query, which sees what its snapshot S sees, and gives the rows of all transactions that S
// sees and V does not, the snapshot of the poll before: those from V's end on, and those that were running in V. So every
// commit is told by exactly one poll, the first whose snapshot sees it. It does not matter when a row was written, nor in
// which order transactions commit.
//
// # Positions
//
// A position is the number of a poll; numbers are given when polls begin, and never again. The commits that a poll finds
// have its number, and when they are told the feed has passed it.
//
// A fill takes its snapshot E first, and asks for its position afterwards. It gets the number n of the next poll to begin,
// which will see all that E sees. freshness admits the fill when poll n has been told, if E sees every commit on its tables
// that was told by then, and that suffices:
//
//   - The entry lacks nothing up to n. A commit up to n has been told when the fill is judged, so either E sees it, or it
//     is pending and E does not see it, and the fill is turned down.
//   - The entry holds nothing after n. What E sees poll n has seen, so it has been told by poll n or an earlier one. A
//     commit that a later poll tells is not in the entry, or only if the query saw more than E did, and then the entry
//     is needlessly stale.
//
// So the entry has a commit if and only if its position is not after the entry's, which is what freshness compares. The same
// holds for an own write: when it has been acknowledged every later snapshot sees it, so the next poll to begin tells it.
// A barrier waits for the next poll to begin, since that sees all that was visible before.
//
// # Where the log begins
//
// A stream begins with a poll that tells nothing. Everything that was read before is stale, and V is the snapshot of that
// poll: transactions that are running then, and are in the log, are told when they have ended. Those that the log may lack
// have to have ended before anything is kept (the after of changefeed.Sink's Start). They are
//
//   - none, where the triggers have just been made. CREATE TRIGGER waits for all who have written the table and not ended,
//     prepared transactions too, and has those wait who want to; when they go on they see the trigger. A transaction that
//     began before may thus write after, and is in the log, or has ended before, and is visible to whoever asks later.
//   - those before the row of touch_state that a reader makes when there is none: after a crash the log is empty, and
//     a prepared transaction lives on.
//   - those before the log was woken up, when it had fallen asleep because nobody read it: see touch_limit.
//
// # What ends a stream
//
// Rows that every reader has seen are deleted; a reader that was away for longer than that finds the floor above its
// snapshot V. It begins a new stream, as it does when the connection breaks, when the server was started again or has
// crashed, when it is another one, and when the log was asleep or made anew.
package touch
