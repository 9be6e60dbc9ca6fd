package relay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// maxQueued is how many bytes may wait to be published, about. When there are more they are thrown away: followers find a
// gap, and begin again.
const maxQueued = 16 << 20

// publisher is the sink of the leader's own feed. It passes on what it is told to the leader's sink, and queues it for the
// followers. What it is told comes from one goroutine, which is also the one that looks at the columns that matter when it
// gathers a commit's tags: that is why heeds are queued here and nowhere else. See the package's documentation.
type publisher struct {
	sink     changefeed.Sink
	interest *changefeed.Interest
	limit    int
	// resign ends the leadership.
	resign func(error)
	// due is raised when something is to be published at once.
	due chan struct{}

	mu sync.Mutex
	// head is what the next batch says of itself; live is set while there is a stream.
	head  header
	live  bool
	queue []message
	bytes int
	// open is set when a batch that can be begun with is wanted.
	open bool
	// passed is what the feed has passed, and told what the followers were told of that.
	passed, told uint64
	// wanted are the positions that followers wait for and have not been told of.
	wanted []uint64
	// heeds are the columns that are heeded by now, which is to be told.
	heeds []column
	// drops counts how often the queue was thrown away.
	drops int
}

var (
	_ changefeed.Sink = (*publisher)(nil)
	_ wal.Detailed    = (*publisher)(nil)
)

// Start implements changefeed.Sink.
func (p *publisher) Start(generation string, position, after uint64) {
	p.sink.Start(generation, position, after)
	_, identity, _ := strings.Cut(generation, "/")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue, p.bytes, p.live, p.open = nil, 0, true, true
	p.passed, p.told, p.wanted = 0, 0, nil
	p.head = header{
		server: serverOf(identity), generation: generation, position: position, after: after,
		term: Term{Lead: p.head.term.Lead, Stream: p.head.term.Stream + 1},
	}
	server.Raise(p.due)
}

// Commit implements changefeed.Sink. The feed calls Changed instead.
func (p *publisher) Commit(c freshness.Commit, schema bool) { p.Changed(nil, c, schema) }

// Changed implements wal.Detailed.
func (p *publisher) Changed(tables []uint32, c freshness.Commit, schema bool) {
	p.sink.Commit(c, schema)
	m := message{
		kind: kindCommit, position: c.Position, xid: c.XID, tables: tables, tags: c.Tags[len(tables):],
		everything: c.Everything, schema: schema,
	}
	p.fit(&m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.push(m)
	p.pushHeeds()
}

// fit makes a commit small enough for a batch: all rows of the columns instead of some, or everything instead of tables.
func (p *publisher) fit(m *message) {
	if m.size() <= p.limit {
		return
	}
	m.tags = nil
	for _, table := range m.tables {
		for _, name := range p.interest.Columns(table) {
			m.tags = append(m.tags, freshness.ColumnTag(table, name))
		}
	}
	if m.size() > p.limit {
		m.tables, m.tags, m.everything = nil, nil, true
	}
}

// push queues a message. The caller holds the lock.
func (p *publisher) push(m message) {
	if !p.live {
		return
	}
	if p.bytes += m.size(); p.bytes > maxQueued {
		p.drop()
		p.head.step(&m)
		return
	}
	p.queue = append(p.queue, m)
}

// drop throws away what waits, which makes a gap. The caller holds the lock.
func (p *publisher) drop() {
	for i := range p.queue {
		p.head.step(&p.queue[i])
	}
	p.queue, p.bytes, p.open = nil, 0, true
	p.head.sequence++
	p.drops++
}

// pushHeeds queues what is heeded by now. The commits before were gathered before, perhaps; those to come will be
// gathered after. The caller holds the lock.
func (p *publisher) pushHeeds() {
	for _, c := range p.heeds {
		p.push(message{kind: kindHeed, table: c.table, column: c.name})
	}
	p.heeds = nil
}

// Pass implements changefeed.Sink. It is when the feed has told all that has come: the time to publish, if there is anything
// or somebody waits.
func (p *publisher) Pass(position uint64) {
	p.sink.Pass(position)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed = max(p.passed, position)
	if len(p.queue) > 0 || p.awaited() {
		server.Raise(p.due)
	}
	p.pushHeeds()
}

// Observe tells the leader's sink of a snapshot.
func (p *publisher) Observe(seen freshness.Snapshot) { observe(p.sink, seen) }

// observe tells a sink of a snapshot, if it wants to hear of it.
func observe(sink changefeed.Sink, seen freshness.Snapshot) {
	if sink, ok := sink.(interface{ Observe(seen freshness.Snapshot) }); ok {
		sink.Observe(seen)
	}
}

// Lose implements changefeed.Sink. A leader whose server has to be mended first makes way: others may have what it lacks.
func (p *publisher) Lose(err error) {
	if errors.Is(err, context.Canceled) {
		err = errGivenOver
	}
	p.sink.Lose(err)
	p.mu.Lock()
	if p.live {
		p.push(message{kind: kindLose})
		p.live = false
		server.Raise(p.due)
	}
	p.mu.Unlock()
	if setup := (*wal.SetupError)(nil); errors.As(err, &setup) {
		p.resign(err)
	}
}

// take takes a follower's request, and gives the position that the follower waits for, if it has not been passed.
func (p *publisher) take(data []byte) (wait uint64) {
	q, err := decodeRequest(data)
	if err != nil {
		return 0
	}
	if !p.serves(q.server) {
		return 0
	}
	for _, c := range q.columns {
		p.interest.Add(c.table, c.name) // not under our lock: the feed tells us under the interest's
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.live {
		return 0
	}
	p.heeds = append(p.heeds, q.columns[:min(len(q.columns), maxHeeds-len(p.heeds))]...)
	switch {
	case q.position == 0 && len(q.columns) == 0:
		p.open = true
		server.Raise(p.due)
	case q.position > p.told && len(p.wanted) < maxWanted:
		p.wanted = append(p.wanted, q.position)
		if q.position > p.passed {
			return q.position
		}
		server.Raise(p.due)
	}
	return 0
}

// serves tells whether there is a stream of a server's.
func (p *publisher) serves(server uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live && server == p.head.server
}

// maxHeeds and maxWanted bound what followers ask for. They ask again for what they were not told.
const (
	maxHeeds  = 4096
	maxWanted = 4096
)

// awaited tells whether somebody waits to hear that a position is passed. The caller holds the lock.
func (p *publisher) awaited() bool {
	return slices.ContainsFunc(p.wanted, func(position uint64) bool { return position <= p.passed })
}

// next gives the next batch, and what to call when it was published. beat is set when there is to be one even if there is
// nothing to say.
func (p *publisher) next(beat bool) (data []byte, sent func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.head
	if h.generation == "" || !p.live && len(p.queue) == 0 {
		return nil, nil
	}
	if len(p.queue) == 0 && !beat && !p.open && !p.awaited() {
		return nil, nil
	}
	if !beat && !p.open {
		h.generation = ""
	}
	messages := p.queue
	if p.live && p.passed > 0 && (p.passed > p.told || h.generation != "") {
		messages = append(slices.Clip(messages), message{kind: kindPass, position: p.passed})
	}
	data, n := encode(h, messages, p.limit)
	drops := p.drops
	return data, func() { p.sent(h.term, drops, messages[:n]) }
}

// sent notes that a batch was published.
func (p *publisher) sent(term Term, drops int, messages []message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.head.term != term {
		return // a new stream began meanwhile
	}
	p.head.sequence++
	p.open = false
	for i := range messages {
		m := &messages[i]
		p.head.step(m)
		if m.kind == kindPass {
			p.told = m.position
			p.wanted = slices.DeleteFunc(p.wanted, func(position uint64) bool { return position <= p.told })
			continue
		}
		if drops == p.drops {
			p.bytes -= p.queue[0].size()
			p.queue = p.queue[1:]
		}
	}
}

// waiting tells whether there is more to publish.
func (p *publisher) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0
}
