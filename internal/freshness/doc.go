// Package freshness decides whether what was read before may still be served.
//
// There is one rule: an entry is fresh if and only if none of its tags changed after the position it was read at. (That its
// time to live has not passed is judged where the clock is read.) A tag is a thing that an entry depends on, a position is a
// point in the order of changes, and the ledger remembers for each tag the position of its last change.
//
// Without a feed of outside changes a position is a count of the changes made through this process. A write touches its
// tags twice: before it is sent, so that nothing that was read earlier is served once the write may have happened; and
// when it has been acknowledged, so that nothing that was read while it ran is served after it. Between the two the tags are
// under way, and no fill that depends on them is admitted. So a process always sees its own writes.
package freshness
