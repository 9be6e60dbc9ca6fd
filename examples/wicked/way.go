package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// way is a line of the table: one way to run all six queries.
type way struct {
	what    string
	workers int           // 0: there is no bound to tell
	talk    time.Duration // what it took in the talk; 0: the talk doesn't say
	run     func(context.Context) (lap, error)
	laps    []lap // one a round
}

// lap is one run of all six.
type lap struct {
	took time.Duration
	each []time.Duration // by query
}

// again runs the queries once more.
func (w *way) again(ctx context.Context) error {
	l, err := w.run(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", w.what, err)
	}
	w.laps = append(w.laps, l)
	return nil
}

// sorted are the laps, fastest first.
func (w *way) sorted() []lap {
	return slices.SortedFunc(slices.Values(w.laps), func(a, b lap) int { return cmp.Compare(a.took, b.took) })
}

// median is the lap of which as many were faster as slower.
func (w *way) median() lap { return w.sorted()[len(w.laps)/2] }

// longest is the slowest lap.
func (w *way) longest() lap { return w.sorted()[len(w.laps)-1] }

// first is the median time of the first query.
func (w *way) first() time.Duration {
	times := make([]time.Duration, len(w.laps))
	for i, l := range w.laps {
		times[i] = l.each[0]
	}
	slices.Sort(times)
	return times[len(times)/2]
}
