package wal

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
)

// facts asks for what has to be right before a stream can begin. Nothing in it fails on a standby.
var facts = question{"facts", `
select current_setting('server_version_num'), current_setting('wal_level'), pg_is_in_recovery(),
       current_setting('synchronous_standby_names'), current_setting('wal_block_size'),
       pg_size_bytes(current_setting('wal_segment_size'))`}

// tables asks which tables there are. A statement's tags hold all partitions that there are when its names are looked up, but
// not those that come later.
var tables = question{"tables", `
select coalesce(string_agg(oid::text, ' '), '')
  from pg_class where relkind = 'r' and oid >= 16384`}

// check tells what has to be mended on the server, and notes how its WAL is laid out.
func (s *stream) check() error {
	row, err := s.control.ask(facts)
	if err != nil {
		return err
	}
	version, level, standby, names := row[0], row[1], row[2], row[3]
	var layout pages
	if err := numbers([]string{version, row[4], row[5]}, &s.version, &layout.block, &layout.segment); err != nil {
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

// The identity of a server changes whenever its WAL may have lost something or taken another turn: with a fail-over, with
// a start after a crash, and with a recovery from the crash of one process, which resets the statistics of the WAL.
const identitySQL = `
select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
       extract(epoch from pg_postmaster_start_time()),
       (select extract(epoch from stats_reset) from pg_stat_wal)`

var identity = question{"identity", identitySQL}

// origin asks for the transaction that all later ones have higher numbers than, and then for the end of the WAL.
var origin = question{"origin", `select pg_current_xact_id(), pg_current_wal_insert_lsn()`}

// parseLSN reads "16/B374D848".
func parseLSN(text string) (uint64, error) {
	lsn, err := pglogrepl.ParseLSN(text)
	if err != nil {
		return 0, fmt.Errorf("pgcache: %q is not a position: %w", text, err)
	}
	return uint64(lsn), nil
}

// numbers reads as many numbers as it is given places for.
func numbers(texts []string, places ...*uint64) error {
	for i, place := range places {
		n, err := strconv.ParseUint(texts[i], 10, 64)
		if err != nil {
			return fmt.Errorf("pgcache: the server said %q for a number: %w", texts[i], err)
		}
		*place = n
	}
	return nil
}
