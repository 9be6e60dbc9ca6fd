package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/changefeed/wal"
)

const (
	// silence is for how long a leader may say nothing. It speaks four times a second.
	silence = 2 * time.Second
	// lastResubscription bounds the wait before a follower subscribes again.
	lastResubscription = 400 * time.Millisecond
)

var (
	errElected  = errors.New("pgcache: this process is to lead the relay")
	errSilent   = errors.New("pgcache: the relay's leader has fallen silent")
	errGap      = errors.New("pgcache: the relay has lost something")
	errNewTerm  = errors.New("pgcache: the relay has another leader, or its leader another stream")
	errLeftOver = errors.New("pgcache: the relay's leader has lost its stream")
)

// member is this process while it follows, for the life of its control connection. What it reads and tells belongs to the
// goroutine that runs it.
type member struct {
	feed *Feed
	line *server.Line
	name string
	// identity is the server's, and server the name that batches have for it.
	identity []string
	server   uint64
	// fail ends it; the first reason counts.
	fail context.CancelCauseFunc
	// stream is the one that the sink believes in; nil while there is none. Others see it as well.
	stream  *stream
	visible atomic.Pointer[stream]
	// next is the number of the batch that comes next.
	next uint64
	// heard is when the leader was heard last.
	heard time.Time

	// asks are questions for the server; vacant, called, waited and pushed wake the clerk: nobody leads, there are writes
	// to settle, somebody waits for a position, somebody wants the WAL flushed. wants wakes the asker.
	asks                           chan chan<- origin
	vacant, called, waited, pushed chan struct{}
	wants                          chan struct{}
	// lost is set when it was lost what the leader told: a batch to begin with is wanted.
	lost atomic.Bool
}

// attend takes part in the fleet for the life of one control connection: first as a member, then perhaps as the leader.
func (f *Feed) attend(ctx context.Context) (led bool, err error) {
	signal := func() chan struct{} { return make(chan struct{}, 1) }
	m := &member{
		feed: f, name: server.NewName(), asks: make(chan chan<- origin),
		vacant: signal(), called: signal(), waited: signal(), pushed: signal(), wants: signal(),
	}
	m.line, err = server.Dial(ctx, server.PlainConfig(f.config.WAL.Connect, m.name))
	if err != nil {
		return false, err
	}
	defer m.line.Close()
	if err := m.look(); err != nil {
		return false, err
	}
	if err := m.run(ctx); !errors.Is(err, errElected) {
		return false, err
	}
	return true, f.lead(ctx, m.line)
}

// facts asks how a server's WAL is laid out, and whether it has one.
var facts = server.Question{Name: "facts", SQL: `
select current_setting('wal_block_size'), pg_size_bytes(current_setting('wal_segment_size')), pg_is_in_recovery()`}

// look finds out which server it is.
func (m *member) look() error {
	row, err := m.line.Ask(facts)
	if err != nil {
		return err
	}
	var layout server.Pages
	if err := server.Numbers(row[:2], &layout.Block, &layout.Segment); err != nil {
		return err
	}
	if row[2] == "t" {
		return &wal.SetupError{Kind: wal.ErrNotPrimary, Advice: "connect to the primary"}
	}
	m.feed.pages.Store(&layout)
	m.identity, err = m.line.Ask(server.Identity)
	m.server = serverOf(strings.Join(m.identity, "/"))
	if m.feed.term.server != m.server {
		m.feed.term = known{server: m.server}
	}
	return err
}

// run follows until the control connection breaks, or this process is elected.
func (m *member) run(ctx context.Context) error {
	ctx, m.fail = context.WithCancelCause(ctx)
	defer m.fail(nil)
	var others sync.WaitGroup
	others.Go(func() { m.clerk(ctx) })
	others.Go(func() { m.asker(ctx) })
	wait := firstRetry
	for ctx.Err() == nil {
		begun := time.Now()
		err := m.subscribe(ctx)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		m.lose(err)
		if time.Since(begun) > steady {
			wait = firstRetry
		}
		m.feed.log.DebugContext(ctx, "pgcache: the relay can't be heard", "error", err)
		pause(ctx, wait/2+rand.N(wait/2))
		wait = min(2*wait, lastResubscription)
	}
	others.Wait()
	return context.Cause(ctx)
}

// subscribe reads one subscription to its end.
func (m *member) subscribe(ctx context.Context) error {
	subscription, err := m.feed.config.Transport.Subscribe(ctx)
	if err != nil {
		return err
	}
	defer subscription.Close()
	m.heard = time.Now()
	m.hello()
	for {
		receiving, cancel := context.WithDeadline(ctx, m.heard.Add(silence))
		data, err := subscription.Receive(receiving)
		expired := receiving.Err() != nil
		cancel()
		switch {
		case err == nil:
			if err := m.take(ctx, data); err != nil {
				return err
			}
		case ctx.Err() != nil:
			return ctx.Err()
		case !expired:
			return err
		}
		if time.Since(m.heard) >= silence {
			server.Raise(m.vacant)
			return errSilent
		}
	}
}

// hello asks the leader for a batch to begin with.
func (m *member) hello() {
	m.lost.Store(true)
	server.Raise(m.wants)
}

// take takes one batch. One that can't be read was written by another version, and what it says is lost; the number of
// the next shows that.
func (m *member) take(ctx context.Context, data []byte) error {
	b, err := decode(data)
	if err != nil {
		m.feed.log.DebugContext(ctx, "pgcache: the relay gave something that can't be read", "error", err)
		return nil
	}
	latest := &m.feed.term.term
	switch {
	case b.server != m.server, b.term.Before(*latest):
		return nil
	case latest.Before(b.term):
		if possible, err := m.possible(ctx, b.term); err != nil || !possible {
			return err
		}
		*latest = b.term
		m.lose(errNewTerm)
	case m.stream == nil:
	case b.sequence < m.next:
		return nil // it came before
	case b.sequence > m.next:
		m.lose(errGap)
	}
	if m.stream == nil {
		if b.generation == "" {
			m.hello()
			return nil
		}
		if err := m.join(ctx, &b); err != nil {
			return err
		}
	}
	m.next, m.heard = b.sequence+1, time.Now()
	m.apply(b.messages)
	return nil
}

// possible tells whether a term is one of this server's: its number was given to a transaction that has ended. Something
// else must not be believed, since whatever has a lower one would not be heard ever after.
func (m *member) possible(ctx context.Context, term Term) (bool, error) {
	now, err := m.origin(ctx)
	return now.xmax > term.Lead, err
}
