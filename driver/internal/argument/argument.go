// Package argument is about the arguments of queries as a cache sees them: what tells two lists of them apart, which of what a
// caller passes are arguments at all, and which can be used when the caller has gone on.
package argument

import (
	"database/sql/driver"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
)

// Prepared is the execution mode of a prepared statement; pgx has no name for it. Zero is the session's default mode.
const Prepared pgx.QueryExecMode = 127

// Plain takes the leading options off what a caller passes, and gives the execution mode among them. It reports false for options
// that change the form of the result or the text.
func Plain(args []driver.NamedValue) (plain []driver.NamedValue, mode pgx.QueryExecMode, ok bool) {
	for len(args) > 0 {
		switch option := args[0].Value.(type) {
		case pgx.QueryExecMode:
			mode = option
			args = args[1:]
		case pgx.QueryResultFormats, pgx.QueryResultFormatsByOID, pgx.QueryRewriter:
			return nil, 0, false
		default:
			return args, mode, true
		}
	}
	return args, mode, true
}

// Rewrites tells whether pgx is given something that makes another statement of the text: anything but its own named arguments, which
// only number the placeholders.
func Rewrites(args []driver.NamedValue) bool {
	for i := range args {
		switch args[i].Value.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID, pgx.NamedArgs, pgx.StrictNamedArgs:
		case pgx.QueryRewriter:
			return true
		default:
			return false // pgx takes it for a value, whatever it can do
		}
	}
	return false
}

// Asked tells whether an argument is of a type of the caller's, which may say something else whenever it is asked for its value.
func Asked(args []driver.NamedValue) bool {
	for i := range args {
		switch args[i].Value.(type) {
		case nil, int64, int, string, bool, float64, time.Time, []byte, netip.Addr, netip.Prefix:
		default:
			return true
		}
	}
	return false
}

// Constant tells whether nobody can change the arguments.
func Constant(args []driver.NamedValue) bool {
	for i := range args {
		switch args[i].Value.(type) {
		case nil, int64, int, string, bool, float64, time.Time:
		default:
			return false
		}
	}
	return true
}
