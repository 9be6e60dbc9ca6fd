package fanout

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// run is one call of Run, Collect, Stream or Split: a queue of tasks and the
// workers that empty it. It owns every goroutine it starts: execute returns when
// they have ended and their connections are back in the pool.
type run struct {
	group   Group
	tasks   []Task
	workers int
	history *History
	meter   *meter

	// hand, if not nil, is called by the worker with each result, before it takes
	// the next task; that is the back-pressure of Stream.
	hand func(i int, took time.Duration, err error)

	parent context.Context    // the caller's
	ctx    context.Context    // ends with parent, or with the first failure
	cancel context.CancelFunc // ends ctx

	order   []int
	next    atomic.Int64       // how many of order have been taken
	waiting context.Context    // ends when the last one is taken: no more workers needed
	staffed context.CancelFunc // ends waiting

	done    atomic.Int64
	errs    []error   // by task; each written by the worker that ran it
	fails   sync.Once // guards failure, which is read after the workers have ended
	failure error     // what ended the run as a whole

	imports   sync.Once // guards importErr, likewise
	importErr error     // why a worker could not join, when the run went on without it
}

// newRun prepares a run; it is nil when there is nothing to do or nothing can be done.
func newRun(ctx context.Context, g Group, tasks []Task) (*run, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	if g.DB == nil {
		return nil, errNoDB
	}
	held := heldBy(ctx, g.DB)
	workers, err := g.workers(len(tasks), held)
	if err != nil {
		return nil, err
	}
	r := &run{
		group: g, tasks: tasks, workers: workers, parent: ctx,
		history: cmp.Or(g.History, &processHistory),
		errs:    make([]error, len(tasks)),
		meter:   newMeter(g.Progress, tasks),
	}
	r.order = r.history.order(tasks)
	r.ctx, r.cancel = context.WithCancel(context.WithValue(ctx, holds{g.DB}, held+workers))
	r.waiting, r.staffed = context.WithCancel(r.ctx)
	return r, nil
}

// execute runs everything to its end.
func (r *run) execute() {
	defer r.cancel()
	defer r.guard(r.meter.over)
	var wg sync.WaitGroup
	if r.group.Snapshot {
		r.staffSnapshot(&wg)
	} else {
		for range r.workers {
			wg.Go(func() { r.work(unshared{r.group.DB}) })
		}
	}
	wg.Wait()
	r.guard(r.settle)
}

// seat is where a worker runs its queries.
type seat interface {
	querier
	// mend makes the seat fit for another query after one failed on it, and
	// reports whether it could.
	mend(ctx context.Context) bool
}

// work takes tasks until there are none.
func (r *run) work(s seat) {
	r.guard(func() {
		for {
			i, ok := r.take()
			if !ok {
				return
			}
			if ok := r.perform(i, s); !ok && !s.mend(r.ctx) {
				return
			}
		}
	})
}

// guard calls f and turns a panic, or the end of the goroutine inside f, into
// the failure of the run.
func (r *run) guard(f func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			r.fail(newPanicError(v))
		} else {
			r.fail(errGoexit)
		}
	}()
	f()
	returned = true
}

func (r *run) take() (int, bool) {
	if r.ctx.Err() != nil {
		return 0, false
	}
	n := int(r.next.Add(1))
	if n >= len(r.order) {
		r.staffed()
	}
	if n > len(r.order) {
		return 0, false
	}
	return r.order[n-1], true
}

// perform runs one task and reports whether it succeeded.
func (r *run) perform(i int, s seat) bool {
	task := &r.tasks[i]
	r.meter.started(i)
	began := time.Now()
	err := task.attempt(r.ctx, s, cmp.Or(task.timeout, r.group.Timeout))
	took := time.Since(began)
	if err == nil {
		r.history.Note(task.name, task.sql, took)
	}
	r.conclude(i, took, err)
	return err == nil
}

// conclude files what became of a task. A cancellation that the end of the run
// caused is not the task's own failure.
func (r *run) conclude(i int, took time.Duration, err error) {
	if err != nil {
		err = &QueryError{Index: i, Name: r.tasks[i].name, SQL: r.tasks[i].sql, Err: err}
	}
	r.meter.finished(i, took, err)
	if err != nil && r.ctx.Err() != nil && interrupted(err) {
		return
	}
	r.errs[i] = err
	r.done.Add(1)
	if err != nil && !r.group.KeepGoing {
		r.fail(err)
		return
	}
	if r.hand != nil {
		r.hand(i, took, err)
	}
}

// fail ends the run. The first reason counts: later ones are its consequences.
func (r *run) fail(err error) {
	r.fails.Do(func() {
		r.failure = err
		r.cancel()
	})
}

// settle accounts for tasks that no worker took or finished, so that none is
// ever missing without an error.
func (r *run) settle() {
	if r.parent.Err() != nil && int(r.done.Load()) < len(r.tasks) {
		r.fail(stoppedError(r.parent, int(r.done.Load()), len(r.tasks)))
	}
	for {
		i, ok := r.take()
		if !ok {
			return
		}
		r.meter.started(i)
		r.conclude(i, 0, ErrSnapshotLost)
	}
}
