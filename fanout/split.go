package fanout

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"reflect"
)

const (
	partsPerWorker = 8
	defaultBuffer  = 16384
	batchRows      = 256 // rows that a worker hands over at a time, at most
)

// Split reads one table with all workers under one snapshot, each row exactly
// once, as rows of type T (a struct, map[string]any or scalar; see Query). It is
// Group.Snapshot with other words for the queries: Timeout and KeepGoing don't
// apply, as the parts take as long as the loop lets them.
//
// An error is the last thing yielded, and says that rows are missing; the rows
// before it were right. Leaving the loop cancels what is still running.
func Split[T any](ctx context.Context, g Group, table Table) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		g.Snapshot, g.KeepGoing, g.Timeout = true, false, 0
		s, err := newSplit[T](ctx, g, table)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		go s.execute()
		defer func() { <-s.over }()
		defer cancel() // first: whatever ends the loop ends the run
		s.forward(yield)
	}
}

// split is one loop over a Split: its run, whose tasks are the parts, and the
// queues between the parts and the loop.
type split[T any] struct {
	*run
	over   chan struct{} // closed when the run has ended
	parts  []part[T]
	out    chan []T // of all parts together, nil if ordered
	window int      // ordered: how many parts may be read or wait at a time
	batch  int      // rows that a worker hands over at a time
}

// part is one range of an ordered Split. Its worker closes out only after the
// last row, so that the loop never goes on behind a gap.
type part[T any] struct {
	out   chan []T
	taken chan struct{} // closed when the loop has had all rows
}

func newSplit[T any](ctx context.Context, g Group, table Table) (*split[T], error) {
	if g.DB == nil {
		return nil, errNoDB
	}
	workers, err := g.workers(math.MaxInt, heldBy(ctx, g.DB))
	if err != nil {
		return nil, err
	}
	if table.Parts <= 0 {
		table.Parts = partsPerWorker * workers
	}
	reads, err := table.cut(ctx, g.DB)
	if err != nil {
		return nil, err
	}
	s := &split[T]{over: make(chan struct{})}
	s.lay(table, min(workers, len(reads)), len(reads))
	tasks := make([]Task, len(reads))
	for i, read := range reads {
		tasks[i] = s.task(i, read)
		tasks[i].name = fmt.Sprintf("%s %d/%d", table.Name, i+1, len(reads))
	}
	// Parts are unknown to a history of their own, so they are taken in turn. An
	// ordered loop depends on it: it waits for the lowest part that is not done.
	g.History = new(History)
	s.run, err = newRun(ctx, g, tasks)
	return s, err
}

// lay makes the queues so that they hold at most Buffer rows, together with the
// batches that the workers fill and the one that the loop empties.
func (s *split[T]) lay(table Table, workers, parts int) {
	buffer := cmp.Or(max(0, table.Buffer), defaultBuffer)
	s.batch = max(1, min(batchRows, buffer/(4*workers)))
	slots := max(0, buffer/s.batch-workers-1)
	if !table.Ordered {
		s.out = make(chan []T, slots)
		return
	}
	s.window = 2 * workers
	s.parts = make([]part[T], parts)
	for i := range s.parts {
		s.parts[i] = part[T]{make(chan []T, slots/s.window), make(chan struct{})}
	}
}

// task reads one part.
func (s *split[T]) task(i int, read statement) Task {
	q := Query[struct{}]{SQL: read.sql, Args: read.args}
	if s.out != nil {
		q.Read = func(ctx context.Context, rows *sql.Rows) (none struct{}, err error) {
			return none, s.pump(ctx, rows, s.out)
		}
		return q.task(func(struct{}) error { return nil })
	}
	q.Read = func(ctx context.Context, rows *sql.Rows) (none struct{}, err error) {
		if i >= s.window {
			select {
			case <-s.parts[i-s.window].taken:
			case <-ctx.Done():
				return none, ctx.Err()
			}
		}
		return none, s.pump(ctx, rows, s.parts[i].out)
	}
	return q.task(func(struct{}) error {
		close(s.parts[i].out)
		return nil
	})
}

// pump sends the rows in batches.
func (s *split[T]) pump(ctx context.Context, rows *sql.Rows, out chan<- []T) error {
	row, err := newRowReader(rows, reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	for more := true; more; {
		batch := make([]T, 0, s.batch)
		for len(batch) < s.batch {
			if more = rows.Next(); !more {
				break
			}
			var zero T
			batch = append(batch, zero)
			if err := row.scan(reflect.ValueOf(&batch[len(batch)-1]).Elem()); err != nil {
				return err
			}
		}
		if len(batch) == 0 {
			break
		}
		select {
		case out <- batch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return rows.Err()
}

// execute runs the parts to their end.
func (s *split[T]) execute() {
	defer close(s.over)
	s.run.execute()
	if s.out != nil {
		close(s.out)
	}
}

// forward yields until the run or the loop is over.
func (s *split[T]) forward(yield func(T, error) bool) {
	for batch := range s.batches {
		for _, row := range batch {
			if !yield(row, nil) {
				return
			}
		}
	}
	<-s.over
	if err := s.whole(); err != nil {
		var none T
		yield(none, err)
	}
}

// batches yields what the workers send: as it comes, or part by part.
func (s *split[T]) batches(yield func([]T) bool) {
	if s.out != nil {
		for batch := range s.out {
			if !yield(batch) {
				return
			}
		}
	}
	for _, p := range s.parts {
		if !s.drainPart(p, yield) {
			return
		}
		close(p.taken)
	}
}

// drainPart yields one part's batches and reports whether the part was whole and
// the loop goes on.
func (s *split[T]) drainPart(p part[T], yield func([]T) bool) bool {
	for {
		select {
		case batch, more := <-p.out:
			if !more {
				return true
			}
			if !yield(batch) {
				return false
			}
		case <-s.over:
			if s.whole() != nil {
				return false
			}
			for batch := range p.out { // closed, as every part succeeded
				if !yield(batch) {
					return false
				}
			}
			return true
		}
	}
}
