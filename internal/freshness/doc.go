// Package freshness decides whether what was read before may still be served.
//
// There is one rule: an entry is fresh if and only if none of its tags changed after the position it was read at. (That its
// time to live has not passed is judged where the clock is read.) A tag is a thing that an entry depends on, a position is a
// point in the order of changes, and a ledger remembers for each tag the position of its last change.
//
// # Without a feed: Ledger
//
// A position is a count of the changes made through this process. A write touches its tags twice: before it is sent, so that
// nothing that was read earlier is served once the write may have happened; and when it has been acknowledged, so that
// nothing that was read while it ran is served after it. Between the two the tags are under way, and no fill that depends on
// them is admitted. So a process always sees its own writes.
//
// # With a feed: Tracker
//
// A position is a place in the server's order of commits, and a feed delivers the commits in that order. Then the rule alone
// does not do: a commit is written, delivered and made visible at three different moments, and about a third of all commits
// are delivered before anybody can see them. A query in between would get a position past the commit and rows from before
// it. So a fill is admitted by what it saw:
//
//  1. Ahead of the query, in the same round trip, the server is asked for a snapshot and then for a position. What the
//     snapshot sees the query sees too, and every commit that it sees is at or before the position.
//  2. The fill is admitted, with that position, once the feed has passed the position, if its snapshot sees every pending
//     commit on its tables.
//  3. A commit is pending from its delivery until some snapshot is known to see it and every fill has ended that began
//     before that was known: those may have older snapshots.
//  4. A stream tells all of a transaction only if it began after the stream did. So a fill has to see every transaction up
//     to the number that was current when the stream had begun; and of a table that is tracked since later, up to the one
//     then.
//  5. When the stream breaks, nothing is fresh, and fills that began before are not admitted.
//  6. A fill's result may be given to others who wait for it, admitted or not, if its snapshot sees every commit on its tables
//     that had been delivered when they asked: who asks after a commit was acknowledged may meet a fill that set out after its
//     delivery and before anybody could see it.
//
// Why that is right: take an entry that is fresh and a commit on its tags that was delivered. If the commit's position is after
// the entry's, its delivery has touched the tags: the entry is not fresh. If it is not, the commit was delivered before the
// entry was admitted (2). Then it was either pending, and the entry holds it (2), or some fill's snapshot that was older than
// the entry's, or began before it, saw it, and the entry's sees it as well (3); or the stream did not tell it, and then the
// entry holds it by (4). So an entry that is fresh holds every commit that was delivered: that is the level "tracked". At
// the level "strict" a hit waits until every commit is delivered that was visible when it was asked for.
//
// What this process writes itself is marked when it is acknowledged, and the mark stays until the feed has passed it: see
// [Tracker.Own].
package freshness
