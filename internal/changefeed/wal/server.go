package wal

import (
	"fmt"
	"strings"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

// facts asks for what has to be right before a stream can begin. Nothing in it fails on a standby.
var facts = server.Question{Name: "facts", SQL: `
select current_setting('server_version_num'), current_setting('wal_level'), pg_is_in_recovery(),
       current_setting('synchronous_standby_names'), current_setting('wal_block_size'),
       pg_size_bytes(current_setting('wal_segment_size'))`}

// tables asks which tables there are. A statement's tags hold all partitions that there are when its names are looked up, but
// not those that come later.
var tables = server.Question{Name: "tables", SQL: `
select coalesce(string_agg(oid::text, ' '), '')
  from pg_class where relkind = 'r' and oid >= 16384`}

// check tells what has to be mended on the server, and notes how its WAL is laid out.
func (s *stream) check() error {
	row, err := s.control.Ask(facts)
	if err != nil {
		return err
	}
	version, level, standby, names := row[0], row[1], row[2], row[3]
	var layout server.Pages
	if err := server.Numbers([]string{version, row[4], row[5]}, &s.version, &layout.Block, &layout.Segment); err != nil {
		return err
	}
	s.feed.pages.Store(&layout)
	switch {
	case s.version < 140000:
		return &SetupError{Kind: ErrVersion, Advice: "pgcache reads the logical replication of 14 and later"}
	case standby == "t":
		return &SetupError{Kind: ErrNotPrimary, Advice: "connect to the primary"}
	case level != "logical":
		return &SetupError{Kind: ErrWALLevel, Advice: "set wal_level = logical and restart the server"}
	}
	if err := synchronous(names); err != nil {
		return err
	}
	return s.checkPublication()
}

// synchronous refuses to be one of those that commits wait for: what the feed confirms is kept nowhere. Since no name of a
// feed can be known before, only a star lists it.
func synchronous(names string) error {
	if strings.Contains(names, "*") {
		return &SetupError{
			Kind:   ErrSynchronous,
			Advice: fmt.Sprintf("synchronous_standby_names is %q: name the standbys instead of '*'", names),
		}
	}
	return nil
}

// origin asks for the transaction that all later ones have higher numbers than, and then for the end of the WAL.
var origin = server.Question{Name: "origin", SQL: `select pg_current_xact_id(), pg_current_wal_insert_lsn()`}
