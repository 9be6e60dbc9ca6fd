package setup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopgcache/pgcache/internal/statement"
)

// workman runs scripts, each in a transaction of its own, so that what was done stays done when something else can't be.
type workman struct {
	ctx  context.Context
	conn *pgconn.PgConn
	err  error
}

// patience is how long each attempt waits for a lock. Whoever wants to write meanwhile waits behind us, so the first are
// short; the last is long enough for autovacuum to give way.
var patience = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 2500 * time.Millisecond}

// rest is the time between two attempts.
const rest = 300 * time.Millisecond

// do runs a script, again if others hold the locks that it needs.
func (w *workman) do(script ...string) error {
	for i, wait := range patience {
		err := w.attempt(wait, script)
		if i == len(patience)-1 || sqlState(err) != lockNotAvailable {
			return err
		}
		select {
		case <-w.ctx.Done():
			return w.ctx.Err()
		case <-time.After(rest):
		}
	}
	return nil
}

// attempt runs a script. Two processes that do so at the same time take turns.
func (w *workman) attempt(wait time.Duration, script []string) error {
	sql := "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL client_min_messages = error; " +
		"SELECT pg_advisory_xact_lock(" + strconv.Itoa(advisoryLock) + "); " +
		"SET LOCAL lock_timeout = " + strconv.FormatInt(wait.Milliseconds(), 10) + ";\n" +
		strings.Join(script, "\n") + "\nCOMMIT"
	if _, err := w.conn.Exec(w.ctx, sql).ReadAll(); err != nil {
		return errors.Join(fmt.Errorf("pgcache: setting up the feeds: %w", err), rollback(w.ctx, w.conn))
	}
	return nil
}

// advisoryLock is a number that means nothing, and is unlikely to be anybody else's.
const advisoryLock = 7_063_272_104

// rollback ends a transaction that has failed.
func rollback(ctx context.Context, conn *pgconn.PgConn) error {
	if conn.IsClosed() || conn.TxStatus() == 'I' {
		return nil
	}
	return conn.Exec(ctx, "ROLLBACK").Close()
}

// oid finds a relation by its name, along the search_path if need be.
func (w *workman) oid(name statement.Name) (uint32, error) {
	written := quoted(name.Name)
	if name.Schema != "" {
		written = quoted(name.Schema) + "." + written
	}
	result := w.conn.ExecParams(w.ctx, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", [][]byte{[]byte(written)}, nil, nil, nil).Read()
	if result.Err != nil {
		return 0, fmt.Errorf("pgcache: looking for table %s: %w", name, result.Err)
	}
	if result.Rows[0][0] == nil {
		return 0, fmt.Errorf("%w: %s", ErrNoTable, name)
	}
	oid, err := strconv.ParseUint(string(result.Rows[0][0]), 10, 32)
	return uint32(oid), err
}

// Error codes of PostgreSQL (its documentation, "PostgreSQL Error Codes").
const (
	lockNotAvailable      = "55P03"
	insufficientPrivilege = "42501"
	dependentObjects      = "2BP01"
	undefinedSchema       = "3F000"
	undefinedTable        = "42P01"
	undefinedFunction     = "42883"
	undefinedObject       = "42704"
	duplicateObject       = "42710"
)

func sqlState(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// obstacle says in words why something can't be done here and now, and what helps. It knows nothing of other errors.
func obstacle(err error) (state, todo string, known bool) {
	switch sqlState(err) {
	case lockNotAvailable:
		return "busy: somebody has held a lock on it for seconds", "CALL pgcache.install() again when it is quieter", true
	case insufficientPrivilege:
		return "not allowed: " + message(err), "install as the owner or a superuser", true
	case dependentObjects:
		return "still used: " + message(err), "CALL pgcache.uninstall() again when that is gone", true
	case undefinedSchema, undefinedTable, undefinedFunction, undefinedObject:
		return "gone: " + message(err), "", true
	case duplicateObject:
		return "in the way: " + message(err), "rename what is not pgcache's", true
	default:
		return "", "", false
	}
}

func message(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.Message
	}
	return ""
}
