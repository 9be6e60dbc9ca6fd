package wal

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

// slotWarning is how long the making of a slot may take before it is complained of, each time.
const slotWarning = time.Minute

// connect opens the stream's connections and starts the replication.
func (s *stream) connect(ctx context.Context) (err error) {
	base := s.feed.config.Connect
	if s.control, err = server.Dial(ctx, server.PlainConfig(base, s.name)); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := s.know(); err != nil {
		return err
	}
	if err := s.startReplication(ctx); err != nil {
		return explain(err, base.User)
	}
	return nil
}

// know notes which tables there are.
func (s *stream) know() error {
	row, err := s.control.Ask(tables)
	if err != nil {
		return err
	}
	s.known = make(map[uint32]struct{})
	for text := range strings.FieldsSeq(row[0]) {
		oid, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return fmt.Errorf("pgcache: the server said %q for an object's identifier: %w", text, err)
		}
		s.known[uint32(oid)] = struct{}{}
	}
	return nil
}

// startReplication makes the slot and has the server send.
func (s *stream) startReplication(ctx context.Context) error {
	config := replicationConfig(s.feed.config.Connect, s.name)
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		s.incoming.from = r
		return pgproto3.NewFrontend(&s.incoming, w)
	}
	dialing, cancel := context.WithTimeout(ctx, server.Patience)
	defer cancel()
	conn, err := pgconn.ConnectConfig(dialing, config)
	if err != nil {
		return err
	}
	s.replication = conn
	if err := s.prepare(ctx); err != nil {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing)
		return err
	}
	hijacked, err := conn.Hijack()
	if err != nil {
		return err
	}
	s.conn = hijacked.Conn
	return nil
}

// prepare takes the replication connection from being connected to sending.
func (s *stream) prepare(ctx context.Context) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	if err := s.makeSlot(ctx); err != nil {
		return err
	}
	return pglogrepl.StartReplication(ctx, s.replication, s.name, 0, pglogrepl.StartReplicationOptions{
		Mode: pglogrepl.LogicalReplication,
		PluginArgs: []string{
			"proto_version '2'", "streaming 'true'", "messages 'true'",
			"publication_names '" + strings.ReplaceAll(pgx.Identifier{s.feed.config.Publication}.Sanitize(), "'", "''") + "'",
		},
	})
}

// identify finds the server's generation, and that both connections are with the same server: a name may stand for
// several.
func (s *stream) identify(ctx context.Context) error {
	system, err := pglogrepl.IdentifySystem(ctx, s.replication)
	if err != nil {
		return err
	}
	results, err := s.replication.Exec(ctx, server.IdentitySQL).ReadAll()
	if err != nil {
		return err
	}
	var here []string
	for _, value := range results[0].Rows[0] {
		here = append(here, string(value))
	}
	there, err := s.control.Ask(server.Identity)
	if err != nil {
		return err
	}
	if !slices.Equal(here, there) {
		return server.ErrOtherServer
	}
	s.identity = there
	s.generation = system.SystemID + "/" + strings.Join(there, "/")
	return nil
}

// makeSlot makes a temporary slot. The server first waits for all transactions that are writing, in any database.
func (s *stream) makeSlot(ctx context.Context) error {
	begun := time.Now()
	warning := time.NewTicker(slotWarning)
	defer warning.Stop()
	made := make(chan error, 1)
	go func() {
		_, err := pglogrepl.CreateReplicationSlot(ctx, s.replication, s.name, "pgoutput", pglogrepl.CreateReplicationSlotOptions{
			Temporary: true, SnapshotAction: "NOEXPORT_SNAPSHOT", Mode: pglogrepl.LogicalReplication,
		})
		made <- err
	}()
	for {
		select {
		case err := <-made:
			return err
		case <-warning.C:
			s.feed.log.WarnContext(ctx, "pgcache: the change feed waits for transactions that began before it", "for", time.Since(begun))
		}
	}
}

// gone turns the server's word that the publication was dropped into a SetupError.
func (s *stream) gone(err error) error {
	if sqlState(err) != "42704" { // undefined_object
		return err
	}
	return &SetupError{ErrPublication, fmt.Sprintf("publication %q was dropped: CALL pgcache.install() makes it",
		s.feed.config.Publication), err}
}
