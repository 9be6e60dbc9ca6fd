package driver

import (
	"math"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// The feed tells of a change of the schema before anybody sees it. Until it is visible the catalog says what was true before, and
// so do plans that are made: they are unsettled, and nothing is answered or kept by them at a level that a feed stands for.

// unsettledRefusal is why a statement is not cached meanwhile.
const unsettledRefusal = "the schema has just been changed, and the change may not be visible yet"

// sight is a question to the catalog, held against the feed; nil where there is none.
type sight struct{ fill *freshness.Fill }

// beginSight is called before the count of schema changes is read and the catalog is asked, in a session of this identity.
func (c *cache) beginSight(id *identity) *sight {
	fw := c.feed.running.Load()
	if fw == nil || id.standby {
		return nil // what a standby sees says nothing of the server that is followed
	}
	return &sight{fw.tracker.Begin()}
}

// seesSchema tells whether what the catalog said, by the snapshot or later, takes in all that the feed had told of.
func (s *sight) seesSchema(snapshot string) bool {
	if s == nil {
		return true
	}
	seen, err := freshness.ParseSnapshot(snapshot)
	if err != nil {
		return false
	}
	s.fill.Read(seen, 0)
	return s.fill.SeesSchema()
}

func (s *sight) end() {
	if s != nil {
		s.fill.End()
	}
}

// schemaSettled tells whether all changes of the schema that the feed has told of are known to be visible.
func (c *cache) schemaSettled() bool {
	fw := c.feed.running.Load()
	return fw == nil || fw.tracker.SchemaSeen()
}

// schemaTold tells whether the feed tells of every change of the schema, our own included, before what it holds back may be served again.
func (c *cache) schemaTold() bool {
	fw := c.feed.running.Load()
	return fw != nil && fw.events.Load() && fw.tracker.Live()
}

// noEra is the era of a session, or a plan, that comes from a moment when the schema was not settled. It is never the present one.
const noEra = math.MaxUint64

// era is the count of schema changes that whatever is read or planned from now on takes in.
func (c *cache) era() uint64 {
	n := c.schema.Load() // before the look: what is told of after it makes another count
	if !c.schemaSettled() {
		return noEra
	}
	return n
}

// looking spaces the questions that are asked again because their answers were unsettled: how long a change stays invisible is up
// to others, such as a standby that is waited for or a transaction that is older than the feed. The zero value is ready.
type looking struct {
	mu   sync.Mutex
	next time.Time
	wait time.Duration
}

// The wait between two such questions grows from one to the other.
const (
	shortLook = time.Millisecond
	longLook  = time.Second
)

// due tells whether it is time to ask again. Once the schema is settled it always is.
func (l *looking) due(settled bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return settled || !time.Now().Before(l.next)
}

// begin is called before asking again, and tells whether to.
func (l *looking) begin(settled bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case settled:
		l.wait, l.next = 0, now
		return true
	case now.Before(l.next):
		return false
	}
	l.wait = min(max(2*l.wait, shortLook), longLook)
	l.next = now.Add(l.wait)
	return true
}

// Where the schema changes faster than the catalog can be asked an answer is out of date when it comes. Then nothing is cached for a
// while, so that nobody who only wants to run a statement asks on and on. maxRounds also bounds how often one query is judged anew.
const (
	maxRounds  = 3
	stormLasts = time.Second
)

// storming tells whether the schema changes too fast to ask.
func (c *cache) storming() bool {
	until := c.storm.Load()
	return until != 0 && time.Now().UnixNano() < until
}
