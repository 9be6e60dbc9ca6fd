package wal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/gopgcache/pgcache/internal/changefeed"
	"github.com/gopgcache/pgcache/internal/changefeed/server"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// errEnded is why a stream is lost that the server ended in good order, as it does when it is shut down.
var errEnded = errors.New("pgcache: the server has ended the replication")

// stream is one life of the feed, from connecting to the loss of any of its connections. What it reads and tells belongs to
// the goroutine that runs it.
type stream struct {
	feed *Feed
	sink changefeed.Sink
	// name is that of the slot and of the connections.
	name string
	// fail ends the stream; the first reason counts.
	fail context.CancelCauseFunc

	replication *pgconn.PgConn
	conn        net.Conn
	incoming    eager
	pace        *pace
	control     *server.Line
	clerk       *clerk
	settler     *server.Settler
	gate        *server.Gate
	decoder     *decoder
	progress    server.Lag

	// writing is held by who writes to the replication connection.
	writing sync.Mutex
	// generation names the server's incarnation.
	generation string
	// version is the server's; stamp changes with the publication.
	version uint64
	stamp   string
	// known are the tables that there were when the stream began, and those that it has told of since.
	known map[uint32]struct{}
	// identity is the part of it that any connection can ask for.
	identity []string
	// reference is a transaction of late; those of the stream are near it.
	reference atomic.Uint64
	// reached is the position that the server has said it has decoded; passed is what the sink was told of it.
	reached uint64
	passed  atomic.Uint64
}

// follow follows the server for the life of one stream. The sink is told of its end before the connections are closed, which
// may take a while when the network is gone.
func (f *Feed) follow(outer context.Context) (err error) {
	ctx, fail := context.WithCancelCause(outer)
	s := &stream{feed: f, sink: f.config.Sink, name: server.NewName(), fail: fail}
	s.pace = newPace()
	s.incoming.idle = func() { s.tell(); s.pace.rest() }
	s.clerk, s.settler, s.gate = newClerk(s), server.NewSettler(), s.newGate()
	s.decoder = newDecoder(f.config.Interest, s.commit)
	defer s.hangUp()
	defer func() { f.lose(cmp.Or(outer.Err(), err)) }()
	defer fail(nil)
	if err := s.connect(ctx); err != nil {
		return err
	}
	if err := s.begin(); err != nil {
		return err
	}
	return s.run(ctx)
}

// begin tells the sink that there is a stream. Own writes that come to be settled from here on wait for the clerk; the ones
// before were acknowledged before the server is asked for the position that the stream begins at.
func (s *stream) begin() error {
	s.feed.stream.Store(s)
	s.progress.Begin(time.Now())
	triggers, err := s.control.Ask(server.Triggers)
	if err != nil {
		return err
	}
	if err := s.gate.Look(triggers[0]); err != nil {
		return err
	}
	row, err := s.control.Ask(origin)
	if err != nil {
		return err
	}
	var after uint64
	if err := server.Numbers(row[:1], &after); err != nil {
		return err
	}
	lsn, err := server.ParseLSN(row[1])
	if err != nil {
		return err
	}
	s.reference.Store(after)
	position := s.feed.Position(lsn)
	s.feed.log.Debug("pgcache: the change feed follows the server", "slot", s.name, "generation", s.generation)
	s.sink.Start(s.generation, position, after)
	s.feed.config.Outage.End()
	return nil
}

// run reads the stream to its end.
func (s *stream) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var others sync.WaitGroup
	others.Go(func() { s.clerk.run(ctx) })
	others.Go(func() { s.gate.Run(ctx) })
	others.Go(func() { s.beat(ctx) })
	s.fail(s.read())
	others.Wait()
	return context.Cause(ctx)
}

// read takes messages until there are no more.
func (s *stream) read() error {
	for {
		message, err := s.replication.Frontend().Receive()
		if err != nil {
			return fmt.Errorf("pgcache: reading the replication: %w", err)
		}
		switch m := message.(type) {
		case *pgproto3.CopyData:
			if err := s.take(m.Data); err != nil {
				return err
			}
		case *pgproto3.ErrorResponse:
			return s.gone(pgconn.ErrorResponseToPgError(m))
		case *pgproto3.CopyDone, *pgproto3.CommandComplete:
			return errEnded
		}
	}
}

// take takes one message of the replication.
func (s *stream) take(data []byte) error {
	if len(data) == 0 {
		return errors.New("pgcache: an empty message in the replication")
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		return s.keepalive(data[1:])
	case pglogrepl.XLogDataByteID:
		change, err := pglogrepl.ParseXLogData(data[1:])
		if err != nil {
			return err
		}
		return s.decoder.take(change.WALData)
	default:
		return fmt.Errorf("pgcache: message %q in the replication is unknown", data[0])
	}
}

// keepalive tells how far the server has decoded, unless it comes amid a transaction, whose commit is still to come.
func (s *stream) keepalive(data []byte) error {
	m, err := pglogrepl.ParsePrimaryKeepaliveMessage(data)
	if err != nil {
		return err
	}
	if !s.decoder.amid() {
		s.reached = max(s.reached, uint64(m.ServerWALEnd))
	}
	if m.ReplyRequested {
		s.tell()
		return s.report(false)
	}
	return nil
}

// commit tells the sink of a commit. One of a table that is new changes what names stand for: it may be a new partition,
// and where no event trigger could be made nothing else tells.
func (s *stream) commit(xid uint32, end uint64, c *changes) {
	wide, everything := s.widen(xid), c.schema
	for table := range c.tables {
		if _, known := s.known[table]; !known {
			s.known[table], everything = struct{}{}, true
		}
	}
	s.feed.config.Interest.Tell(func() {
		if tables, tags := c.finish(s.feed.config.Interest); len(tags) > 0 || everything {
			s.deliver(tables, freshness.Commit{Position: end, XID: wide, Tags: tags, Everything: everything})
		}
	})
	s.pace.commit()
	s.gate.Apply(wide)
	s.reached = max(s.reached, end)
}

// Detailed is a sink that wants to know the tables of a commit as well. It is told by Changed instead of Commit; the first
// tags are those of the tables, in their order.
type Detailed interface {
	Changed(tables []uint32, c freshness.Commit, schema bool)
}

// deliver tells the sink of a commit that changed something.
func (s *stream) deliver(tables []uint32, c freshness.Commit) {
	if sink, ok := s.sink.(Detailed); ok {
		sink.Changed(tables, c, c.Everything)
		return
	}
	s.sink.Commit(c, c.Everything)
}

// widen finds the 64 bits of a transaction's number of which the stream has the lower 32. All transactions that can still
// commit are within half of the 32 bits of each other.
func (s *stream) widen(xid uint32) uint64 {
	reference := s.reference.Load()
	wide := reference + uint64(int64(int32(xid-uint32(reference))))
	s.refer(wide)
	return wide
}

// refer moves the reference on.
func (s *stream) refer(xid uint64) {
	for {
		old := s.reference.Load()
		if old >= xid || s.reference.CompareAndSwap(old, xid) {
			return
		}
	}
}

// tell tells the sink how far the stream is. It is called whenever nothing more has come, so the sink is told no later than
// can be, and no more often than the network delivers.
func (s *stream) tell() {
	if s.reached > s.passed.Load() {
		s.sink.Pass(s.reached)
		s.passed.Store(s.reached)
		s.gate.Reach(s.reached)
		s.progress.Pass(s.reached)
	}
}

// hangUp ends the replication politely and waits a moment for the server to have dropped the slot, which it does before
// it closes its end. The stream's context has ended.
func (s *stream) hangUp() {
	if s.conn == nil {
		return
	}
	defer func() { _ = s.conn.Close() }()
	_ = s.conn.SetDeadline(time.Now().Add(time.Second))
	terminate, _ := (&pgproto3.Terminate{}).Encode(nil)
	if _, err := s.conn.Write(terminate); err == nil {
		_, _ = io.Copy(io.Discard, s.conn)
	}
}
