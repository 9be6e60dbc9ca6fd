package driver

import (
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// verdictOn says what a failed fill means for those who wait: PostgreSQL's own answer is theirs too, but a connection that
// broke or a caller who left is not.
func verdictOn(err error) outcome {
	if _, answered := errors.AsType[*pgconn.PgError](err); answered && !unreachable(err) {
		return refused
	}
	return tryAgain
}

// unreachable tells whether an error means that PostgreSQL could not be asked, rather than that it answered.
func unreachable(err error) bool {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch refusal.Code {
		case "57P01", "57P02", "57P03", "53300": // shutting down, crashed, starting up, too many connections
			return true
		default:
			return false
		}
	}
	_, dial := errors.AsType[*pgconn.ConnectError](err)
	return dial || errors.Is(err, driver.ErrBadConn)
}
