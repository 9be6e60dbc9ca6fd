package driver

import (
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/driver/internal/ahead"
)

// outcomeOf says what a failed fill means for those who wait: PostgreSQL's answer to the statement is theirs too, but a connection
// that broke or a caller who left is not, nor what the session had to do with.
func (f *fill) outcomeOf(err error) outcome {
	refusal, answered := errors.AsType[*pgconn.PgError](err)
	if !answered || f.ctx.Err() != nil || ofSession(refusal) {
		return tryAgain
	}
	return refused
}

// ofSession tells whether an error is about the session that it happened in, its time-outs and locks included, or about the server
// as it was then: PostgreSQL's documentation, "PostgreSQL Error Codes".
func ofSession(refusal *pgconn.PgError) bool {
	if refusal.Code == ahead.ChangedStatement {
		return true
	}
	switch refusal.Code[:min(2, len(refusal.Code))] {
	case "25", // invalid transaction state
		"26", // invalid statement name
		"40", // transaction rollback
		"53", // insufficient resources
		"55", // object not in prerequisite state: a lock not to be had
		"57", // operator intervention: cancelled, timed out, shut down
		"58": // system error
		return true
	}
	return false
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
