package wal

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/changefeed/server"
)

// ErrNoStream is what Barrier gives while there is no stream of commits.
var ErrNoStream = server.ErrNoStream

// What somebody has to mend on the server before it can be followed. Each comes wrapped in a SetupError.
var (
	ErrVersion     = errors.New("pgcache: the server is older than PostgreSQL 14")
	ErrWALLevel    = errors.New("pgcache: wal_level is not logical")
	ErrPrivilege   = errors.New("pgcache: the role may not replicate")
	ErrNotPrimary  = errors.New("pgcache: the server is a standby")
	ErrPublication = errors.New("pgcache: the publication can't be used")
	ErrSlots       = errors.New("pgcache: the server has no replication slot or sender left")
	ErrSynchronous = errors.New("pgcache: the server would wait for the feed as for a synchronous standby")
)

// SetupError is why a server can't be followed as it is, and what to do about it.
type SetupError struct {
	// Kind is one of the errors above.
	Kind error
	// Advice says what to grant, set or call.
	Advice string
	// Cause is what the server said; it may be nil.
	Cause error
}

func (e *SetupError) Error() string {
	text := e.Kind.Error() + ": " + e.Advice
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap gives the kind and the cause.
func (e *SetupError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// sqlState is the code of the server's error, or empty.
func sqlState(err error) string {
	if said := (*pgconn.PgError)(nil); errors.As(err, &said) {
		return said.Code
	}
	return ""
}

// explain turns what the server said when a replication was to begin into a SetupError where that is what it is.
func explain(err error, user string) error {
	switch sqlState(err) {
	case "42501": // insufficient_privilege
		return &SetupError{ErrPrivilege, fmt.Sprintf("ALTER ROLE %q REPLICATION, or your provider's way to say that", user), err}
	case "53300": // too_many_connections
		return &SetupError{ErrSlots, "raise max_wal_senders", err}
	case "53400", "55000": // configuration_limit_exceeded; object_not_in_prerequisite_state, when there are to be none
		return &SetupError{ErrSlots, "raise max_replication_slots", err}
	default:
		return err
	}
}
