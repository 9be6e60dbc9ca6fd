package relay

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

const (
	// pulseEvery is how often a member asks where the server is, and whether it is to lead.
	pulseEvery = time.Second
	// flushAfter is how long somebody waits for a position before the WAL is flushed for it.
	flushAfter = 250 * time.Millisecond
	// askEvery is how often a member repeats what the leader has not answered, and askTimeout bounds one try.
	askEvery   = 100 * time.Millisecond
	askTimeout = time.Second
)

// The questions of members.
var (
	candidacy = server.Question{Name: "candidacy", SQL: `
select pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot()), pg_try_advisory_lock($1::int8)`}
	where = server.Question{Name: "where", SQL: `
select pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot())`}
	beginning = server.Question{Name: "beginning", SQL: `
select pg_current_wal_insert_lsn(), pg_snapshot_xmax(pg_current_snapshot()), ` + server.EventsSQL}
)

// origin is where a server is: nothing that was acknowledged before ends behind lsn, and no transaction that has ended has a
// number from xmax on. triggers are its event triggers, as server.EventsSQL gives them.
type origin struct {
	lsn, xmax uint64
	triggers  string
}

// origin asks where the server is.
func (m *member) origin(ctx context.Context) (origin, error) {
	answer := make(chan origin, 1)
	select {
	case m.asks <- answer:
	case <-ctx.Done():
		return origin{}, context.Cause(ctx)
	}
	select {
	case now := <-answer:
		return now, nil
	case <-ctx.Done():
		return origin{}, context.Cause(ctx)
	}
}

// clerk asks the server what the member wants to know, on the control connection, and stands for election.
func (m *member) clerk(ctx context.Context) {
	pulse := time.NewTimer(0)
	defer pulse.Stop()
	var overdue <-chan time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-pulse.C:
			err = m.feelPulse()
			pulse.Reset(pulseEvery/2 + rand.N(pulseEvery/2))
		case <-m.vacant:
			pulse.Reset(rand.N(pulseEvery / 20))
		case answer := <-m.asks:
			var now origin
			if now, err = m.ask(beginning); err == nil {
				answer <- now
			}
		case <-m.called:
			err = m.settle()
		case <-m.waited:
			if overdue == nil {
				overdue = time.After(flushAfter)
			}
		case <-overdue:
			overdue = nil
			if s := m.visible.Load(); s != nil && s.wanted.Load() > s.passed.Load() {
				_, err = m.line.Ask(server.Flush)
			}
		case <-m.pushed:
			_, err = m.line.Ask(server.Flush)
		}
		if err != nil {
			m.fail(err)
			return
		}
	}
}

// feelPulse notes where the server is, and tries to become the leader.
func (m *member) feelPulse() error {
	asked := time.Now()
	question, args := where, []string(nil)
	if m.feed.mayLead() {
		question, args = candidacy, []string{m.feed.lock}
	}
	row, err := m.line.Ask(question, args...)
	if err != nil {
		return err
	}
	if len(row) == 3 && row[2] == "t" {
		return errElected
	}
	now, err := m.read(row)
	if err != nil {
		return err
	}
	if s := m.visible.Load(); s != nil {
		if at := m.feed.pages.Load().Reachable(now.lsn); at > s.passed.Load() {
			s.progress.Expect(at, asked)
		}
	}
	return nil
}

// mayLead tells whether this process may become the leader.
func (f *Feed) mayLead() bool { return !time.Now().Before(f.notBefore) }

func (m *member) ask(q server.Question) (origin, error) {
	row, err := m.line.Ask(q)
	if err != nil {
		return origin{}, err
	}
	now, err := m.read(row)
	if len(row) > 2 {
		now.triggers = row[2]
	}
	return now, err
}

func (m *member) read(row []string) (now origin, err error) {
	if now.lsn, err = server.ParseLSN(row[0]); err == nil {
		err = server.Numbers(row[1:2], &now.xmax)
	}
	return now, err
}

// settle settles the writes that wait. The leader is asked to pass their position soon.
func (m *member) settle() error {
	s := m.visible.Load()
	if s == nil {
		return nil
	}
	return s.settler.Settle(func() (uint64, error) {
		now, err := m.ask(where)
		if err != nil {
			return 0, err
		}
		position := m.feed.pages.Load().Reachable(now.lsn)
		s.want(position)
		return position, nil
	})
}

// asker asks the leader for what is wanted, and again as long as it is.
func (m *member) asker(ctx context.Context) {
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wants:
		case <-ticker.C:
		}
		q, something := m.request()
		if !something {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		err := m.feed.config.Transport.Ask(asking, q.encode())
		cancel()
		if err != nil && ctx.Err() == nil {
			m.feed.log.DebugContext(ctx, "pgcache: the relay's leader can't be asked", "error", err)
			pause(ctx, askEvery)
		}
	}
}
