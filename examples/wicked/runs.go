package main

import (
	"context"
	"errors"
	"time"

	"github.com/gopgcache/pgcache/fanout"
)

// plainLoop is what one writes first: a query, its answer, the next query. The others are measured by it.
func (d *demo) plainLoop(ctx context.Context) (lap, error) {
	var l lap
	var got []answer
	began := time.Now()
	for i, q := range queries {
		d.tell(fanout.Event{
			Step: fanout.Started, Index: i, Name: q.Name, Elapsed: time.Since(began),
			Total: len(queries), Running: 1, Done: i,
		})
		start := time.Now()
		rows, err := d.Plain.QueryContext(ctx, q.SQL)
		if err != nil {
			return lap{}, err
		}
		a, err := readAnswer(ctx, rows)
		if err := errors.Join(err, rows.Close()); err != nil {
			return lap{}, err
		}
		took := time.Since(start)
		d.history.Note(q.Name, q.SQL, took)
		got, l.each = append(got, a), append(l.each, took)
	}
	l.took = time.Since(began)
	d.tell(fanout.Event{Step: fanout.Over, Index: -1})
	if d.right == nil {
		d.right = got
		return l, nil
	}
	return l, d.check(got)
}

func (d *demo) tell(e fanout.Event) {
	if d.watch != nil {
		d.watch(e)
	}
}

// together makes a way to run the queries by fanout.
func (d *demo) together(g fanout.Group) func(context.Context) (lap, error) {
	return func(ctx context.Context) (lap, error) {
		l := lap{each: make([]time.Duration, len(queries))}
		got := make([]answer, len(queries))
		began := time.Now()
		for r, err := range fanout.Stream(ctx, g, queries...) {
			if err != nil {
				return lap{}, err
			}
			got[r.Index], l.each[r.Index] = r.Value, r.Took
		}
		l.took = time.Since(began)
		return l, d.check(got)
	}
}

// emptied makes a way begin with an empty cache.
func (d *demo) emptied(run func(context.Context) (lap, error)) func(context.Context) (lap, error) {
	return func(ctx context.Context) (lap, error) {
		if _, err := d.Cached.ExecContext(ctx, "CALL pgcache.flush()"); err != nil {
			return lap{}, err
		}
		return run(ctx)
	}
}

// check holds the answers of all queries against the right ones.
func (d *demo) check(got []answer) error {
	d.checked += len(got)
	return compare(got, d.right)
}
