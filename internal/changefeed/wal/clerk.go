package wal

import (
	"context"
	"sync"
	"time"

	"github.com/gopgcache/pgcache/internal/freshness"
)

const (
	// pulseEvery is how often the server is asked where it is.
	pulseEvery = time.Second
	// publicationEvery counts the pulses between two looks at the publication.
	publicationEvery = 5
	// flushAfter is how long somebody waits for a position before the WAL is flushed for it. Servers flush what
	// asynchronous commits wrote every 200 ms; what open transactions wrote may stay for a quarter of a minute.
	flushAfter = 250 * time.Millisecond
)

var (
	insertLSN = question{"insert", `select pg_current_wal_insert_lsn()`}
	// pulse asks where the server is, and whether the feed would be waited for.
	pulse = question{"pulse", `
select pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot()),
       current_setting('synchronous_standby_names')`}
	// flush commits something, and so has the WAL flushed and decoded up to now. Only a transactional message does.
	flush = question{"flush", `select pg_logical_emit_message(true, 'pgcache.flush', '')`}
)

// clerk asks the questions of a running stream, on the control connection.
type clerk struct {
	stream *stream
	// called, waited and pushed wake the clerk: there are writes to settle, somebody waits for a position, somebody wants
	// the WAL flushed now.
	called, waited, pushed chan struct{}
	// pulses counts how often the pulse was felt.
	pulses int

	mu     sync.Mutex
	owns   []*freshness.Own
	closed bool
}

func newClerk(s *stream) *clerk {
	signal := func() chan struct{} { return make(chan struct{}, 1) }
	return &clerk{stream: s, called: signal(), waited: signal(), pushed: signal()}
}

// raise wakes whoever listens; one wake-up is enough for all that happened before it.
func raise(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// hurry says that somebody waits for a position.
func (c *clerk) hurry() { raise(c.waited) }

// settle takes a write to settle, unless the stream is lost.
func (c *clerk) settle(own *freshness.Own) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.owns = append(c.owns, own)
	raise(c.called)
	return true
}

// abandon settles what is left when the stream is lost: see Feed.Settle.
func (c *clerk) abandon() {
	c.mu.Lock()
	owns := c.owns
	c.owns, c.closed = nil, true
	c.mu.Unlock()
	for _, own := range owns {
		own.Settle(0)
	}
}

// run answers until the stream ends, and ends it if the server does not answer.
func (c *clerk) run(ctx context.Context) {
	ticker := time.NewTicker(pulseEvery)
	defer ticker.Stop()
	var overdue <-chan time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-c.called:
			err = c.settleAll()
		case <-ticker.C:
			err = c.feelPulse()
		case <-c.waited:
			if overdue == nil {
				overdue = time.After(flushAfter)
			}
		case <-overdue:
			overdue = nil
			if c.stream.feed.wanted.Load() > c.stream.passed.Load() {
				_, err = c.stream.control.ask(flush)
			}
		case <-c.pushed:
			_, err = c.stream.control.ask(flush)
		}
		if err != nil {
			c.stream.fail(err)
			return
		}
	}
}

// settleAll settles the writes that wait, with one question for all.
func (c *clerk) settleAll() error {
	c.mu.Lock()
	owns := c.owns
	c.owns = nil
	c.mu.Unlock()
	if len(owns) == 0 {
		return nil
	}
	position, err := c.position()
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.owns = append(c.owns, owns...)
		return err
	}
	for _, own := range owns {
		own.Settle(position)
	}
	return nil
}

// position is not before anything that has been acknowledged.
func (c *clerk) position() (uint64, error) {
	row, err := c.stream.control.ask(insertLSN)
	if err != nil {
		return 0, err
	}
	lsn, err := parseLSN(row[0])
	if err != nil {
		return 0, err
	}
	return c.stream.feed.Position(lsn), nil
}

// feelPulse notes where the server is. If the stream has not come to where it was a pulse ago the WAL is flushed, since what
// open transactions wrote is not sent before, and nobody could tell that from being behind.
func (c *clerk) feelPulse() error {
	if c.stream.progress.behind() > pulseEvery/2 {
		if _, err := c.stream.control.ask(flush); err != nil {
			return err
		}
	}
	asked := time.Now()
	row, err := c.stream.control.ask(pulse)
	if err != nil {
		return err
	}
	lsn, err := parseLSN(row[0])
	if err != nil {
		return err
	}
	var xid uint64
	if err := numbers(row[1:2], &xid); err != nil {
		return err
	}
	c.stream.refer(xid)
	c.stream.progress.expect(c.stream.feed.pages.Load().reachable(lsn), asked)
	if err := synchronous(row[2]); err != nil {
		return err
	}
	if c.pulses++; c.pulses%publicationEvery == 0 {
		return c.stream.checkPublication()
	}
	return nil
}
