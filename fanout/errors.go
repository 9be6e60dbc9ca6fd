package fanout

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

var (
	// ErrTooManyRows says that a query for one row (Query[T] where T is not a
	// slice) returned more. Taking the first and dropping the rest would hide a
	// missing WHERE.
	ErrTooManyRows = errors.New("fanout: more than one row for a query that takes one")

	// ErrNested says that a fan-out was started inside another one whose workers
	// may hold every connection of the pool, so that it could wait for ever.
	ErrNested = errors.New("fanout: started inside a fan-out that may hold every connection of the pool")

	// ErrSnapshotLost says that a query could not run because every connection
	// that held the shared snapshot was gone.
	ErrSnapshotLost = errors.New("fanout: every connection that held the shared snapshot is gone")

	errNoDB     = errors.New("fanout: Group.DB is nil")
	errRawBytes = errors.New("fanout: sql.RawBytes does not outlive its row: take []byte")
	errGoexit   = errors.New("fanout: a function called by a worker ended its goroutine (runtime.Goexit)")
)

// QueryError is the failure of one query: which one, and why.
type QueryError struct {
	Index int    // position among the queries asked, from 0
	Name  string // Query.Name, may be empty
	SQL   string // the statement as given, literals included: mind where it is logged
	Err   error  // the driver's own error, unchanged where there is one
}

// Error names the query by its position and its name, or without a name by the
// beginning of its SQL, cut before the first literal.
func (e *QueryError) Error() string {
	return fmt.Sprintf("fanout: query %d (%s): %s", e.Index, label(e.Name, e.SQL), bare(e.Err))
}

// Unwrap returns the cause.
func (e *QueryError) Unwrap() error { return e.Err }

// SnapshotError says that the workers could not share one snapshot, and what to
// do about it where PostgreSQL's answer tells.
type SnapshotError struct {
	Step string // "export" (on the first connection) or "import" (on another one)
	Err  error
}

// Error gives the step, the advice and the server's answer.
func (e *SnapshotError) Error() string {
	if advice := snapshotAdvice(e.Step, sqlState(e.Err)); advice != "" {
		return fmt.Sprintf("fanout: %s of the snapshot: %v: %s", e.Step, e.Err, advice)
	}
	return fmt.Sprintf("fanout: %s of the snapshot: %v", e.Step, e.Err)
}

// Unwrap returns the server's or the driver's error.
func (e *SnapshotError) Unwrap() error { return e.Err }

func snapshotAdvice(step, state string) string {
	switch {
	case state == "42883":
		return "this server has no pg_export_snapshot()"
	case step == "import" && (state == "22023" || state == "42704" || state == "0A000"):
		return "the connections of this pool do not reach one server and one database (a pooler or a load balancer in between?)"
	case step == "import" && state == "55000":
		return "the transaction that exported the snapshot is over"
	case step == "export" && (state == "55000" || state == "25006"):
		return "this server does not export snapshots in its present state (a standby?)"
	}
	return ""
}

// PanicError is a panic of a function that fanout called, caught in the worker.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // the stack of the goroutine that panicked
}

// Error gives the value and the stack: the stack is what one needs to find the bug.
func (e *PanicError) Error() string {
	return fmt.Sprintf("fanout: panic: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value if it was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func newPanicError(v any) error { return &PanicError{Value: v, Stack: debug.Stack()} }

// timeoutError is a query's own deadline, in words of the caller's making.
func timeoutError(limit time.Duration) error {
	return fmt.Errorf("no answer within %v: %w", limit, context.DeadlineExceeded)
}

// stoppedError is the end of the caller's context with queries left.
func stoppedError(ctx context.Context, done, total int) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); !errors.Is(cause, err) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	return fmt.Errorf("fanout: stopped with %d of %d queries done: %w", done, total, err)
}

// interrupted reports whether err is how a driver says that a context ended.
func interrupted(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) ||
		sqlState(err) == "57014" ||
		errors.As(err, &timeout) && timeout.Timeout()
}

// sqlState is PostgreSQL's error code, or "". Every driver of note has the
// method, so none of them needs to be imported.
func sqlState(err error) string {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return state.SQLState()
	}
	return ""
}

// bare drops our own prefix, which the outer error already has.
func bare(err error) string {
	return strings.TrimPrefix(fmt.Sprint(err), "fanout: ")
}

// label is a query's short name for people.
func label(name, sql string) string {
	if name != "" {
		return name
	}
	return excerpt(sql)
}

const excerptRunes = 60

// excerpt is the beginning of a statement on one line. It ends before the first
// literal, because a literal may be a secret.
func excerpt(sql string) string {
	cut := len(sql)
	for i := range sql {
		if sql[i] == '\'' || sql[i] == '$' && (i+1 == len(sql) || sql[i+1] < '0' || sql[i+1] > '9') {
			cut = i
			break
		}
	}
	text := []rune(strings.Join(strings.Fields(sql[:cut]), " "))
	if len(text) > excerptRunes {
		return string(text[:excerptRunes]) + "…"
	}
	if cut < len(sql) {
		return string(text) + " …"
	}
	return string(text)
}
