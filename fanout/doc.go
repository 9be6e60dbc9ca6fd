// Package fanout runs many reads at once over any [database/sql] pool: the six
// queries of a page, five hundred of one shape, the parts of a report, one table
// too large for one connection. It is for PostgreSQL, works with every driver, and
// depends on none.
//
//	pages := fanout.Group{DB: db, Timeout: 2 * time.Second}
//
//	var page struct {
//		Orders int64
//		Best   []Product
//		User   *User
//	}
//	err := pages.Run(ctx,
//		fanout.Into(&page.Orders, "select count(*) from orders"),
//		fanout.Into(&page.Best, "select id, name, price from products order by sold desc limit 10"),
//		fanout.Into(&page.User, "select * from users where id = $1", id),
//	)
//
// There are four ways to run, and a [Group] says how for all of them:
//
//   - [Group.Run] fills variables of different types
//   - [Collect] returns answers of one type in the order asked
//   - [Stream] yields answers of one type in the order finished
//   - [Split] reads one table with all workers
//
// # Rows
//
// The type asked for says how many rows there may be and what a row is, see
// [Query]. A column goes to the struct field whose db tag is its name, else to the
// field whose name is the same but for letter case and underscores: user_id goes
// to UserID. Fields of embedded structs count as the struct's own, the outermost
// first. A field without a column stays zero; a column without a field is an
// error, as are two columns of one name, because data would be lost. NULL goes
// into pointers, [database/sql.Null] and other scanners, and is an error elsewhere
// that names the column and the field. A query's Read function replaces all this.
//
// # Order
//
// Queries are started longest expected first, by what a [History] has learned from
// earlier runs, and unknown ones before the others. With workers that are never
// idle while something waits, that ends a run near max(longest query,
// total/workers). Answers are matched to queries by position and never by when
// they come: Collect's order is the order asked. Stream's is the order finished.
// Queries of one run must not depend on each other's effects.
//
// # Loss
//
// An answer is whole or an error. A result that fails after some rows, or has more
// rows than its type takes, is an error, and what it would have been stored in is
// left alone; only a Read function may leave rows unread. Every query asked is
// accounted for: it has an answer, or an error says that it has none. A
// [QueryError] says which query; errors.Is and errors.As reach the driver's own
// error behind it. [Split] yields rows before it knows that all can be read: an
// error at its end says that some are missing, and when ordered, that none is
// missing before it.
//
// # Failure
//
// By default the first failure cancels the rest and is the error returned; the
// cancellations it caused are not reported. With KeepGoing every query runs, and
// all failures are returned together, in the order asked. A query's deadline is
// its own failure and is context.DeadlineExceeded to errors.Is. A panic in a
// function that a worker calls is a [PanicError], not the end of the program.
//
// # Cancellation
//
// Queries run under the context given. When it ends, or a failure ends the run, or
// a loop over Stream or Split is left, no further query starts and the running
// ones are cancelled; drivers pass that on, so that PostgreSQL stops too. Run and
// Collect return, and loops end, only when every goroutine started has ended and
// every connection is back in the pool, or closed. A driver that ignores its
// context is waited for. The end of the caller's context is reported as such, not
// as the failure of whichever query was running.
//
// # Connections
//
// A run uses as many connections at a time as it has workers, by default at most
// eight and always leaving one of a limited pool to others. Without a snapshot a
// connection is held for one query only; with one, from a worker's first query to
// its last, which in Stream and Split includes the time that the loop takes.
//
// A Read function may start another fan-out on the same pool if it passes its
// context on. The inner one takes no more than what the outer leaves; when that is
// nothing, which would be a wait for ever, it fails with [ErrNested]. A loop over
// a Stream with a snapshot, or over a Split, holds connections without such a
// context: what it calls for needs a connection that the Workers don't take.
//
// # Snapshot
//
// Without Snapshot each query sees the moment it starts at, so answers may
// disagree: money in transit between two accounts is counted twice or not at all.
// With Snapshot all queries of the run see the database as it was at one moment,
// as if they ran in one REPEATABLE READ transaction, and may not write. One worker
// begins the transaction and exports its snapshot (pg_export_snapshot), the others
// take it over (SET TRANSACTION SNAPSHOT) on connections of their own, while the
// first already works. So any pool will do, even of one connection.
//
// It needs all connections of the pool to reach one database of one server, and
// for the whole of a transaction the same session: behind a pooler, one in session
// or transaction mode. What can't be shared is a [SnapshotError] with PostgreSQL's
// own error in it; queries never run without the snapshot instead. On a standby
// long reads may be cancelled by replay, as any would be. Every transaction is
// ended before the run is over, whatever fails; a connection on which that can't
// be done is closed. With KeepGoing, a worker whose connection dies takes the
// snapshot over again while the exporting transaction is open, and leaves the rest
// to the others after; if none is left, the queries that remain fail with
// [ErrSnapshotLost].
//
// A snapshot holds back VACUUM for as long as it is open.
package fanout
