package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gopgcache/pgcache/driver"
)

// measured is one case and what its turns took.
type measured struct {
	way, shape string
	against    []string // the names of what it is held against

	// asker gives each goroutine what asks once.
	asker     func() func() error
	connector *driver.Connector // nil where there is no cache
	from      source
	workers   int // how many ask at once

	perTurn   int
	turns     []time.Duration // of each round, per query
	uncounted time.Duration   // what the turn under way spent on something that isn't measured; for one worker only
	allocs    uint64          // of one query
}

func (m *measured) name() string { return m.way + " " + m.shape }

// patience is how long a case may take until its answers come from where they are to.
const patience = 20 * time.Second

// warmUp asks until the answers come from where they are to, and finds out how many queries make a turn.
func (m *measured) warmUp(turn time.Duration) error {
	// What dials, asks the catalog and fills is not to be measured.
	for began := time.Now(); ; {
		_, err := m.turn(m.workers)
		if err == nil {
			break
		}
		if !errors.As(err, new(sourceError)) || time.Since(began) > patience {
			return err
		}
	}
	for m.perTurn = m.workers; ; m.perTurn *= 2 {
		took, err := m.turn(m.perTurn)
		if err != nil {
			return err
		}
		if took >= turn/2 {
			return m.countAllocs()
		}
	}
}

// turn asks so many times, which all workers share evenly, and tells how long it took.
func (m *measured) turn(times int) (time.Duration, error) {
	before := m.stats()
	m.uncounted = 0
	began := time.Now()
	err := m.repeat(times)
	took := time.Since(began) - m.uncounted
	if err != nil {
		return took, err
	}
	return took, m.from.check(before, m.stats(), int64(times))
}

func (m *measured) stats() driver.Stats {
	if m.connector == nil {
		return driver.Stats{}
	}
	return m.connector.Stats()
}

func (m *measured) repeat(times int) error {
	if m.workers == 1 {
		return repeat(m.asker(), times)
	}
	var group errgroup.Group
	for range m.workers {
		group.Go(func() error { return repeat(m.asker(), times/m.workers) })
	}
	return group.Wait()
}

func repeat(ask func() error, times int) error {
	for range times {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}

// countAllocs takes the smallest of some counts: what else runs in the process only adds.
func (m *measured) countAllocs() error {
	const tries = 5
	queries := min(100, max(10, m.perTurn))
	var before, after runtime.MemStats
	for range tries {
		ask := m.asker()
		runtime.ReadMemStats(&before)
		if err := repeat(ask, queries); err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		if n := (after.Mallocs - before.Mallocs) / uint64(queries); m.allocs == 0 || n < m.allocs {
			m.allocs = n
		}
	}
	return nil
}

// take takes the turn of a round.
func (m *measured) take() error {
	took, err := m.turn(m.perTurn)
	if err != nil {
		return fmt.Errorf("%s: %w", m.name(), err)
	}
	m.turns = append(m.turns, took/time.Duration(m.perTurn))
	return nil
}
