package fanout

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Query describes one read whose answer is a T. T says how many rows there are:
//
//   - []E takes all rows, one E each; no row is an empty slice, never nil
//   - *E takes at most one row; no row is nil, and so is a NULL scalar
//   - any other T takes exactly one row: sql.ErrNoRows without, ErrTooManyRows with more
//
// A row is a struct (columns found by name, see the package documentation), a
// map[string]any, or a scalar: whatever one column can be scanned into, such as
// int64, string, []byte, time.Time, sql.Null and every other sql.Scanner.
//
// A Query is a plain value: copy it, keep it, run it many times.
type Query[T any] struct {
	Name    string        // for errors, progress and History; optional
	SQL     string        // sent to the driver as it is
	Args    []any         // its parameters
	Timeout time.Duration // longest wait for the whole answer; 0: Group.Timeout

	// Read, if not nil, makes the T from the rows instead. It is called once,
	// before the first row, in a worker's goroutine, and must not keep rows, which
	// are closed and checked for errors after it. Use ctx for anything that waits,
	// above all for a fan-out inside this one.
	Read func(ctx context.Context, rows *sql.Rows) (T, error)
}

// Select describes the query sql with its parameters.
func Select[T any](sql string, args ...any) Query[T] {
	return Query[T]{SQL: sql, Args: args}
}

// Into makes the query a Task that stores its answer in dst.
func (q Query[T]) Into(dst *T) Task {
	return q.task(func(v T) error {
		if dst == nil {
			return errors.New("fanout: the destination is a nil pointer")
		}
		*dst = v
		return nil
	})
}

// Into is a Task that stores the answer of a query in dst, typed by dst:
// Into(&total, "select count(*) from orders") is
// Select[int64]("select count(*) from orders").Into(&total).
func Into[T any](dst *T, sql string, args ...any) Task {
	return Select[T](sql, args...).Into(dst)
}

// Task is a query together with where its answer goes; see Into. The
// destination is written only when the whole answer was read without an error,
// and may be looked at when Run has returned.
type Task struct {
	name    string
	sql     string
	timeout time.Duration
	exec    func(ctx context.Context, on querier) error
}

// querier is a *sql.DB, or the *sql.Conn of one snapshot worker.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (q Query[T]) task(store func(T) error) Task {
	return Task{
		name:    q.Name,
		sql:     q.SQL,
		timeout: q.Timeout,
		exec: func(ctx context.Context, on querier) error {
			v, err := q.answer(ctx, on)
			if err != nil {
				return err
			}
			return store(v)
		},
	}
}

// answer runs the query. An answer counts only when the result was read to its
// end and closed without an error: a row may be followed by a failure.
func (q Query[T]) answer(ctx context.Context, on querier) (T, error) {
	var none T
	rows, err := on.QueryContext(ctx, q.SQL, q.Args...)
	if err != nil {
		return none, err
	}
	defer rows.Close()
	read := q.Read
	if read == nil {
		read = readResult[T]
	}
	v, err := read(ctx, rows)
	if err := firstOf(rows.Err(), err, rows.Close()); err != nil {
		return none, err
	}
	return v, nil
}

// firstOf returns the first error that is one.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// attempt runs the task once, under its own deadline if there is one.
func (t *Task) attempt(parent context.Context, on querier, limit time.Duration) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanicError(v)
		}
	}()
	if t.exec == nil {
		return errors.New("fanout: an empty Task; make one with Into")
	}
	if limit <= 0 {
		return t.exec(parent, on)
	}
	ctx, cancel := context.WithTimeout(parent, limit)
	defer cancel()
	err = t.exec(ctx, on)
	// Drivers word the end of a context in many ways; which context ended decides.
	if err != nil && interrupted(err) && ctx.Err() != nil && parent.Err() == nil {
		return timeoutError(limit)
	}
	return err
}
