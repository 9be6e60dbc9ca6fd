package server

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
)

// ErrNoStream is what Barrier gives while there is no stream of commits.
var ErrNoStream = errors.New("pgcache: the change feed is down")

// ErrOtherServer is why a stream is lost of which a connection leads elsewhere: a name may stand for several servers.
var ErrOtherServer = errors.New("pgcache: two connections led to two servers")

// IdentitySQL asks for what changes whenever the server's WAL may have lost something or taken another turn: with a
// fail-over, with a start after a crash, and with a recovery from the crash of one process, which resets the statistics of
// the WAL.
const IdentitySQL = `
select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
       extract(epoch from pg_postmaster_start_time()),
       (select extract(epoch from stats_reset) from pg_stat_wal)`

// EventsSQL asks for the event triggers, and for something that changes with them: see [Events].
const EventsSQL = `(select count(*) filter (where evtenabled = 'A' and evttags is null) || '/' || coalesce(sum(xmin::text::int8), 0)
  from pg_event_trigger where evtname in ('pgcache_ddl', 'pgcache_drop'))`

// ErrEvents is why a stream ends under which the event triggers were changed.
var ErrEvents = errors.New("pgcache: the event triggers were changed, which tell of changes of the schema")

// Events remembers what EventsSQL gave first. The zero value is ready.
type Events struct{ first string }

// Look reads an answer: told is set when the triggers are there and on. The error is ErrEvents when they are not those that were
// there first.
func (e *Events) Look(answer string) (told bool, err error) {
	if e.first == "" {
		e.first = answer
	}
	if e.first != answer {
		err = ErrEvents
	}
	return strings.HasPrefix(answer, "2/"), err
}

// The questions that several have.
var (
	// Identity is that part of a server's identity that any connection can ask for.
	Identity = Question{"identity", IdentitySQL}
	// Insert asks where the WAL ends: nothing that was acknowledged ends behind it.
	Insert = Question{"insert", `select pg_current_wal_insert_lsn()`}
	// Observe asks what can be seen, and where the WAL ended a moment after: no commit that can be seen ends behind it.
	Observe = Question{"observe", `select pg_current_snapshot(), pg_current_wal_insert_lsn()`}
	// ObserveAll asks by what changes of the schema are told, too. That takes twice as long.
	ObserveAll = Question{"observe all", `select pg_current_snapshot(), pg_current_wal_insert_lsn(), ` + EventsSQL}
	// Triggers asks for the event triggers.
	Triggers = Question{"triggers", `select ` + EventsSQL}
	// Flush commits something, and so has the WAL flushed and decoded up to now. Only a transactional message does.
	Flush = Question{"flush", `select pg_logical_emit_message(true, 'pgcache.flush', '')`}
)

// SameServer makes sure that a line leads to the server of an identity.
func (l *Line) SameServer(identity []string) error {
	there, err := l.Ask(Identity)
	if err == nil && !slices.Equal(there, identity) {
		err = ErrOtherServer
	}
	return err
}

// ParseLSN reads "16/B374D848".
func ParseLSN(text string) (uint64, error) {
	lsn, err := pglogrepl.ParseLSN(text)
	if err != nil {
		return 0, fmt.Errorf("pgcache: %q is not a position: %w", text, err)
	}
	return uint64(lsn), nil
}

// Numbers reads as many numbers as it is given places for.
func Numbers(texts []string, places ...*uint64) error {
	for i, place := range places {
		n, err := strconv.ParseUint(texts[i], 10, 64)
		if err != nil {
			return fmt.Errorf("pgcache: the server said %q for a number: %w", texts[i], err)
		}
		*place = n
	}
	return nil
}

// Raise wakes whoever listens; one wake-up is enough for all that happened before it.
func Raise(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}
