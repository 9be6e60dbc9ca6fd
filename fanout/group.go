package fanout

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// Group says where and how queries run together. Only DB is needed; the zero
// value of everything else is a sound choice. A Group is a plain value without
// state: keep one per program or make one per call, copy it to change a field,
// and use it from many goroutines.
type Group struct {
	// DB is any pool for PostgreSQL. Let it keep as many idle connections as there
	// are workers (SetMaxIdleConns; database/sql keeps two), or each run dials anew.
	DB *sql.DB

	// Workers is the number of queries that run at a time; 0 takes eight, or fewer
	// so that one connection of DB's limit (SetMaxOpenConns) stays free for others.
	// It is never more than that limit allows, nor than there are queries.
	Workers int

	// Timeout is the longest that each query may take, from the moment that a
	// worker takes it up, the wait for a connection included; 0 means no limit.
	Timeout time.Duration

	// KeepGoing runs every query whatever becomes of the others. Without it the
	// first failure cancels the rest, on the server too.
	KeepGoing bool

	// Snapshot makes all queries see the same moment of the database: each worker
	// reads in a read-only transaction of its own that shares one exported
	// snapshot. It works with any number of connections, even one.
	Snapshot bool

	// Progress, if not nil, is told when a query starts and ends; see ProgressLine.
	// Calls come one at a time, from the workers: what it waits for, they wait for.
	Progress func(Event)

	// History is learned from and orders the queries; nil takes one that all
	// Groups of the process share.
	History *History
}

// Run runs the tasks and returns when all have ended. It starts them longest
// expected first.
//
// It returns nil if every task succeeded. Otherwise it returns the first failure
// as a *QueryError, or with KeepGoing all of them, in the order asked, as made by
// errors.Join. When ctx ends first the error is (or with KeepGoing contains) one
// that errors.Is ctx.Err(). A *SnapshotError or ErrNested is about the whole run.
func (g Group) Run(ctx context.Context, tasks ...Task) error {
	r, err := newRun(ctx, g, tasks)
	if r == nil {
		return err
	}
	r.execute()
	return r.outcome()
}

// Collect runs queries of one type and returns their answers in the order asked.
// On failure it returns nil answers, or with KeepGoing the answers there are, each in
// its place, and zero values for the others. Errors are those of Run.
func Collect[T any](ctx context.Context, g Group, queries ...Query[T]) ([]T, error) {
	answers := make([]T, len(queries))
	tasks := make([]Task, len(queries))
	for i, q := range queries {
		tasks[i] = q.Into(&answers[i])
	}
	err := g.Run(ctx, tasks...)
	if err != nil && !g.KeepGoing {
		return nil, err
	}
	return answers, err
}

// outcome is the error of a run that is over.
func (r *run) outcome() error {
	if !r.group.KeepGoing {
		return r.failure
	}
	return errors.Join(slices.Concat(r.errs, []error{r.importErr, r.failure})...)
}

// whole is what went wrong with the run rather than with one query, or the
// query's failure that ended it.
func (r *run) whole() error {
	if r.importErr == nil {
		return r.failure
	}
	return errors.Join(r.importErr, r.failure)
}

const defaultWorkers = 8

// workers is how many queries may run at a time when outer fan-outs may already
// hold some of the pool's connections.
func (g Group) workers(queries, held int) (int, error) {
	limit := g.DB.Stats().MaxOpenConnections
	n := g.Workers
	if n <= 0 {
		n = defaultWorkers
		if limit > 0 {
			n = min(n, max(1, limit-held-1))
		}
	}
	if limit > 0 {
		if held >= limit {
			return 0, ErrNested
		}
		n = min(n, limit-held)
	}
	return min(n, queries), nil
}

// holds is the context key under which a run says how many connections of a pool
// it and those around it may hold.
type holds struct{ db *sql.DB }

func heldBy(ctx context.Context, db *sql.DB) int {
	n, _ := ctx.Value(holds{db}).(int)
	return n
}
