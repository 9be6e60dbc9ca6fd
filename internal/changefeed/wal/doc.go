// Package wal is the feed that reads PostgreSQL's logical replication: every commit of the server that changed a published
// table, in the order of commits, a tenth of a millisecond after it was written.
//
// A stream of commits takes two connections. One is the replication itself, with a temporary slot that the server drops with
// the connection, so nothing is left behind and no WAL is kept whatever becomes of this process. The other, the control
// connection, is an ordinary one that asks the questions that replication has no words for. Strict reads add a third, of
// barriers only. Should any of them break, or turn out to be with another server, the stream is lost and a new one begins.
//
// # Progress
//
// A commit's position is its end in the WAL. The feed has passed a position when the server has said that everything before
// it was decoded: with the end of a commit, and with each keepalive outside a transaction. Two facts of the WAL matter. The
// insert position may stand behind a page's header, where no record ends and an idle server's decoder never comes: such
// positions are rounded down (see pages). And the decoder sees only what was flushed: what asynchronous commits and open
// transactions wrote may stay in memory for a while, so somebody who waits has a flush forced after a moment (see clerk).
//
// # What a commit says
//
// Each changed table gives its tag. Columns that some reader selects rows by (changefeed.Interest) give the tags of the
// values that were replaced and that came, as far as the events tell them: see changes.
package wal
