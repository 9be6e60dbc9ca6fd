package touch

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// What somebody has to mend before the log can be read. Each comes wrapped in a SetupError.
var (
	ErrNotInstalled = errors.New("pgcache: there is no touch log in this database")
	ErrPrivilege    = errors.New("pgcache: the role may not read the touch log")
	ErrNotPrimary   = errors.New("pgcache: the server is a standby")
	ErrPooler       = errors.New("pgcache: there is a pooler before the server")
)

// SetupError is why the log can't be read as things are, and what to do about it.
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

// Why a stream is begun anew though its connection is sound.
var (
	errRestarted = errors.New("pgcache: the touch log was begun anew")
	errAsleep    = errors.New("pgcache: the touch log was asleep")
	errBehind    = errors.New("pgcache: the touch log no longer holds all since the last look at it")
)

// explain turns what the server said into a SetupError where that is what it is.
func explain(err error) error {
	said := (*pgconn.PgError)(nil)
	if !errors.As(err, &said) {
		return err
	}
	switch said.Code {
	case "3F000", "42P01", "42883": // invalid_schema_name, undefined_table, undefined_function
		return &SetupError{ErrNotInstalled, "CALL pgcache.install() makes it", err}
	case "42501": // insufficient_privilege
		return &SetupError{ErrPrivilege, "CALL pgcache.install() as the owner of schema pgcache grants what is needed", err}
	default:
		return err
	}
}
