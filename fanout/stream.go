package fanout

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Result is one answer of a Stream.
type Result[T any] struct {
	Index int           // which query, from 0; -1 when the error is about the whole run
	Name  string        // its Name
	Value T             // its answer, the zero value beside an error
	Took  time.Duration // from when a worker took it up to the answer's last row
}

// Stream runs queries of one type and yields each answer as soon as it is there,
// in the order finished. The run begins with the loop, and a worker takes its
// next query only when its last answer has been taken: no more answers than
// workers ever wait in memory. Leaving the loop cancels what is still running,
// and returns when it has ended.
//
// A failure is yielded as the error: without KeepGoing as the last thing, with
// it beside the result of its query, and the loop goes on. The end of ctx, a
// *SnapshotError and ErrNested come last with Index -1. An iterator may be used
// again; each loop is a new run.
//
// With Snapshot the workers keep their connections for as long as the loop lasts.
func Stream[T any](ctx context.Context, g Group, queries ...Query[T]) iter.Seq2[Result[T], error] {
	return func(yield func(Result[T], error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		s := &stream[T]{queries: queries, answers: make([]T, len(queries)), ended: make(chan ended)}
		r, err := newRun(ctx, g, s.tasks())
		if r == nil {
			if err != nil {
				yield(Result[T]{Index: -1}, err)
			}
			return
		}
		r.hand = func(i int, took time.Duration, err error) {
			select {
			case s.ended <- ended{i, took, err}:
			case <-r.ctx.Done():
			}
		}
		go func() {
			defer close(s.ended)
			r.execute()
		}()
		defer s.drain()
		defer cancel() // before drain: whatever ends the loop ends the run
		s.forward(r, yield)
	}
}

// ended is the message of a worker that a query has ended.
type ended struct {
	index int
	took  time.Duration
	err   error
}

type stream[T any] struct {
	queries []Query[T]
	answers []T // written by a worker before it sends, cleared when yielded
	ended   chan ended
}

func (s *stream[T]) tasks() []Task {
	tasks := make([]Task, len(s.queries))
	for i, q := range s.queries {
		tasks[i] = q.Into(&s.answers[i])
	}
	return tasks
}

// forward yields until the run or the loop is over.
func (s *stream[T]) forward(r *run, yield func(Result[T], error) bool) {
	for e := range s.ended {
		var none T
		v := s.answers[e.index]
		s.answers[e.index] = none
		if !yield(Result[T]{e.index, s.queries[e.index].Name, v, e.took}, e.err) {
			return
		}
	}
	if err := r.whole(); err != nil {
		last := Result[T]{Index: -1}
		if q := (*QueryError)(nil); errors.As(err, &q) {
			last.Index, last.Name = q.Index, q.Name
		}
		yield(last, err)
	}
}

// drain waits until the run's goroutines have ended.
func (s *stream[T]) drain() {
	for range s.ended {
	}
}
