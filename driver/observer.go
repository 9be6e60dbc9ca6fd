package driver

import (
	"context"
	"time"
)

// Observer is told what a cache does while it does it: what counts alone, as in [Stats], can't say. Functions that are nil are not
// called and cost nothing.
//
// Each function is called synchronously, by whoever does what it is told of: a query waits for it. So it must be quick, must not
// use the database, and must not panic. Several may be called at once, and the same from several goroutines.
type Observer struct {
	// Opened is called once for each connector that has a rule, before it is used, and Closed when that is closed.
	Opened, Closed func(*Connector)
	// Lookup is called when a query that returns rows has its answer: its first row, or its error. Statements run by Exec, and
	// those for the cache itself (SHOW pgcache.stats), are not told of. ctx is the caller's.
	Lookup func(ctx context.Context, l Lookup)
	// Fill is called when PostgreSQL's answer to a miss has been read, before the caller has seen its last row. ctx has the
	// values of the context of the caller who set it off, and does not end.
	Fill func(ctx context.Context, f Fill)
	// Invalidated is called when something made answers stale, whether there are any or not.
	Invalidated func(Invalidation)
	// Feed is called when the feed of changes has begun, or begun again, and when it is lost.
	Feed func(FeedChange)
}

// Result is how a query was answered.
type Result string

// The results. They are the words for labels of metrics, too.
const (
	ResultHit       Result = "hit"       // from the store
	ResultMiss      Result = "miss"      // by PostgreSQL; it could be cached
	ResultBypass    Result = "bypass"    // by PostgreSQL; it could not be cached
	ResultCoalesced Result = "coalesced" // by a fill that another query had under way
	ResultStale     Result = "stale"     // from the store, past its ttl, as stale= and stale_if_error= allow
	ResultNone      Result = "none"      // not at all, and the error says why: no connection, the context ended, ErrNotCached
)

// Lookup is a query that has been answered.
type Lookup struct {
	Result   Result
	Rule     string        // the name of the rule that applies; empty where none was found
	SQL      string        // the text, without the arguments
	Duration time.Duration // from when the driver was asked to the first row
	Saved    time.Duration // for ResultHit and ResultStale: how long PostgreSQL took to make the answer
	Err      error         // nil, or why there are no rows
}

// Fill is a query that was run to make an entry.
type Fill struct {
	Rule     string
	SQL      string        // the text, without the arguments
	Started  time.Time     // when the query was sent
	Duration time.Duration // until its last row was read
	Rows     int           // of the result; 0 of one that is too large to be kept
	Bytes    int           // of memory that the result takes up; 0 of one that is too large to be kept
	Err      error         // nil, or why the result is not whole
}

// Source is what made answers stale.
type Source string

// The sources. They are the words for labels of metrics, too.
const (
	SourceWrite  Source = "write"  // a statement or a transaction of this connector that may have written
	SourceFeed   Source = "feed"   // a commit that the feed told of; this connector's own are among them
	SourceCall   Source = "call"   // invalidate and flush
	SourceSchema Source = "schema" // a change of the schema, made here or noticed
)

// Invalidation says that answers became stale.
type Invalidation struct {
	Source Source
	All    bool // all answers, since it can't be told which
}

// FeedChange says that the feed of changes has come or gone.
type FeedChange struct {
	Kind string // wal, relay or touch
	Live bool
	Err  error // why it was lost
}

// WithObserver has an observer told what the cache does. Several may be given, and each is told; the same one may be given to
// several connectors.
func WithObserver(observer Observer) Option {
	return func(o *options) { o.observers.add(observer) }
}

// observers are the functions of all observers that are set: to see that there are none costs a hit one comparison.
type observers struct {
	opened, closed []func(*Connector)
	lookups        []func(context.Context, Lookup)
	fills          []func(context.Context, Fill)
	invalidated    []func(Invalidation)
	feed           []func(FeedChange)
}

func (os *observers) add(o Observer) {
	if o.Opened != nil {
		os.opened = append(os.opened, o.Opened)
	}
	if o.Closed != nil {
		os.closed = append(os.closed, o.Closed)
	}
	if o.Lookup != nil {
		os.lookups = append(os.lookups, o.Lookup)
	}
	if o.Fill != nil {
		os.fills = append(os.fills, o.Fill)
	}
	if o.Invalidated != nil {
		os.invalidated = append(os.invalidated, o.Invalidated)
	}
	if o.Feed != nil {
		os.feed = append(os.feed, o.Feed)
	}
}

func tell(list []func(*Connector), c *Connector) {
	for _, f := range list {
		f(c)
	}
}

// wantLookups tells whether anybody wants to hear of lookups.
func (os *observers) wantLookups() bool { return len(os.lookups) > 0 }

// lookedUp tells of a request that has been answered.
func (os *observers) lookedUp(ctx context.Context, r *request, took time.Duration, err error) {
	l := Lookup{Result: r.result, SQL: r.text.sql, Duration: took, Saved: r.saved, Err: err}
	if l.Result == "" {
		l.Result = ResultNone
	}
	if r.verdict != nil && r.verdict.rule != nil {
		l.Rule = r.verdict.rule.Name
	}
	for _, tell := range os.lookups {
		tell(ctx, l)
	}
}

// filled tells of a fill that has ended.
func (os *observers) filled(f *fill, rows, bytes int) {
	if len(os.fills) == 0 {
		return
	}
	told := Fill{
		Rule: f.request.verdict.rule.Name, SQL: f.request.text.sql,
		Started: f.started, Duration: time.Since(f.started), Rows: rows, Bytes: bytes, Err: f.err,
	}
	for _, tell := range os.fills {
		tell(f.ctx.Context, told)
	}
}

func (os *observers) stale(source Source, all bool) {
	for _, tell := range os.invalidated {
		tell(Invalidation{source, all})
	}
}

func (os *observers) feedChanged(kind string, live bool, err error) {
	for _, tell := range os.feed {
		tell(FeedChange{kind, live, err})
	}
}
