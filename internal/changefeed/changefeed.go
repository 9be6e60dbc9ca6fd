// Package changefeed is about where the changes come from that others make: a feed follows the commits of one server and
// tells a sink of them. Its sub-packages are the feeds.
package changefeed

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// Sink is told of commits, by one goroutine, in their order.
type Sink interface {
	// Start tells that a stream has begun: see freshness.Tracker.Start. What was read from a server of another generation
	// means nothing any more.
	Start(generation string, position, after uint64)
	// Commit tells of one commit. schema is set when it may have changed what names stand for.
	Commit(c freshness.Commit, schema bool)
	// Pass tells that every commit up to position was delivered.
	Pass(position uint64)
	// Lose tells that the stream has broken; err says why.
	Lose(err error)
}

// EventSink is a sink that wants to know whether the event triggers are there by which a feed is told of changes of the schema.
type EventSink interface {
	// Events is told what a barrier saw, before it returns. A stream ends when the triggers are changed while it lasts: what
	// was changed without them was not told.
	Events(told bool)
}

// TellEvents tells a sink of the event triggers, if it wants to know.
func TellEvents(sink Sink, told bool) {
	if s, ok := sink.(EventSink); ok {
		s.Events(told)
	}
}

// Feed follows the commits of one server.
type Feed interface {
	// Run tells the sink of the commits until the context ends, whatever goes wrong between. It gives the context's
	// error, or one that can't be mended by trying again.
	Run(ctx context.Context) error
	// Position turns what a fill read after its snapshot, pg_current_wal_insert_lsn(), into a position that the feed will
	// pass and that no commit is at or before which the snapshot sees and the feed has yet to deliver.
	Position(lsn uint64) uint64
	// Barrier returns when every commit that was visible when it was called has been told to the sink. The barriers of
	// those who wait at the same time are one. It fails when there is no stream.
	Barrier(ctx context.Context) error
	// Settle finds, in the background, a position that is not before an own write that has just been acknowledged, and
	// settles the write with it.
	Settle(own *freshness.Own)
	// Lag is how far behind the feed is.
	Lag() time.Duration
}

// Interest says of which columns a feed has to tell the values, for the tags of rows. The zero value is ready; it is safe for
// concurrent use, and reading it takes no lock.
type Interest struct {
	mu      sync.Mutex // held by who adds and by who tells
	columns atomic.Pointer[map[uint32][]string]
}

// Tell runs what a feed does between looking which columns matter and having told its sink of the commit. A column that is
// added while it runs matters from the next commit on: when Add returns, every commit that the sink was not told of yet
// will be told with the column.
func (i *Interest) Tell(tell func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	tell()
}

// Add says that values of a table's column matter from now on: see Tell.
func (i *Interest) Add(table uint32, column string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if slices.Contains(i.Columns(table), column) {
		return
	}
	next := make(map[uint32][]string)
	if known := i.columns.Load(); known != nil {
		maps.Copy(next, *known)
	}
	next[table] = append(slices.Clone(next[table]), column)
	i.columns.Store(&next)
}

// Columns are those of a table that matter. The list must not be changed.
func (i *Interest) Columns(table uint32) []string {
	if known := i.columns.Load(); known != nil {
		return (*known)[table]
	}
	return nil
}

// All are the columns of all tables that matter. The map must not be changed.
func (i *Interest) All() map[uint32][]string {
	if known := i.columns.Load(); known != nil {
		return *known
	}
	return nil
}
