package wal

import (
	"context"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

const (
	// pulseEvery is how often the server is asked where it is.
	pulseEvery = time.Second
	// publicationEvery counts the pulses between two looks at the publication and the event triggers.
	publicationEvery = 5
	// flushAfter is how long somebody waits for a position before the WAL is flushed for it. Servers flush what
	// asynchronous commits wrote every 200 ms; what open transactions wrote may stay for a quarter of a minute.
	flushAfter = 250 * time.Millisecond
)

// pulse asks where the server is, and whether the feed would be waited for.
var pulse = server.Question{Name: "pulse", SQL: `
select pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot()),
       current_setting('synchronous_standby_names')`}

// clerk asks the questions of a running stream, on the control connection.
type clerk struct {
	stream *stream
	// waited and pushed wake the clerk: somebody waits for a position, somebody wants the WAL flushed now.
	waited, pushed chan struct{}
	// pulses counts how often the pulse was felt.
	pulses int
}

func newClerk(s *stream) *clerk {
	signal := func() chan struct{} { return make(chan struct{}, 1) }
	return &clerk{stream: s, waited: signal(), pushed: signal()}
}

// hurry says that somebody waits for a position.
func (c *clerk) hurry() { server.Raise(c.waited) }

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
		case <-c.stream.settler.Called:
			err = c.stream.settler.Settle(c.position)
		case <-ticker.C:
			err = c.feelPulse()
		case <-c.waited:
			if overdue == nil {
				overdue = time.After(flushAfter)
			}
		case <-overdue:
			overdue = nil
			if c.stream.feed.wanted.Load() > c.stream.passed.Load() {
				_, err = c.stream.control.Ask(server.Flush)
			}
		case <-c.pushed:
			_, err = c.stream.control.Ask(server.Flush)
		}
		if err != nil {
			c.stream.fail(err)
			return
		}
	}
}

// position is not before anything that has been acknowledged.
func (c *clerk) position() (uint64, error) {
	row, err := c.stream.control.Ask(server.Insert)
	if err != nil {
		return 0, err
	}
	lsn, err := server.ParseLSN(row[0])
	if err != nil {
		return 0, err
	}
	return c.stream.feed.Position(lsn), nil
}

// feelPulse notes where the server is. If the stream has not come to where it was a pulse ago the WAL is flushed, since what
// open transactions wrote is not sent before, and nobody could tell that from being behind.
func (c *clerk) feelPulse() error {
	if c.stream.progress.Behind() > pulseEvery/2 {
		if _, err := c.stream.control.Ask(server.Flush); err != nil {
			return err
		}
	}
	asked := time.Now()
	row, err := c.stream.control.Ask(pulse)
	if err != nil {
		return err
	}
	lsn, err := server.ParseLSN(row[0])
	if err != nil {
		return err
	}
	var xid uint64
	if err := server.Numbers(row[1:2], &xid); err != nil {
		return err
	}
	c.stream.refer(xid)
	c.stream.progress.Expect(c.stream.feed.pages.Load().Reachable(lsn), asked)
	if err := synchronous(row[2]); err != nil {
		return err
	}
	if c.pulses++; c.pulses%publicationEvery == 0 {
		return c.checkSetup()
	}
	return nil
}

// checkSetup finds out whether the publication and the event triggers are what they were. Barriers look at the triggers too, but at the
// level tracked there are none.
func (c *clerk) checkSetup() error {
	triggers, err := c.stream.control.Ask(server.Triggers)
	if err != nil {
		return err
	}
	if err := c.stream.gate.Look(triggers[0]); err != nil {
		return err
	}
	return c.stream.checkPublication()
}
