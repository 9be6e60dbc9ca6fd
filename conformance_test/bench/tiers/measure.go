package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/compare"
	"github.com/gopgcache/pgcache/driver"
)

// measured is one case and what its turns took.
type measured struct {
	name    string
	against []string
	// asker gives each goroutine what asks once; n counts up.
	asker func() func(n int) error
	bytes int
	// connector is where to see whether what was asked came from the fleet; nil where there is none.
	connector *driver.Connector

	workers        int // how many ask at once
	asked, perTurn int
	inTurns        int             // of what was asked
	fromTier       int64           // of that
	turns          []time.Duration // per question
	allocs         uint64
}

// repeat asks so many times, or a few times more, by all workers together.
func (m *measured) repeat(times int) error {
	each := (times + m.workers - 1) / m.workers
	var group errgroup.Group
	for w := range m.workers {
		from := m.asked + w*each
		group.Go(func() error {
			ask := m.asker()
			for n := range each {
				if err := ask(from + n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	m.asked += each * m.workers
	return group.Wait()
}

// warmUp finds out how many questions make a turn.
func (m *measured) warmUp(turn time.Duration) error {
	for m.perTurn = m.workers; ; m.perTurn *= 2 {
		began := time.Now()
		if err := m.repeat(m.perTurn); err != nil {
			return err
		}
		if time.Since(began) >= turn/2 {
			break
		}
	}
	const questions, tries = 100, 5
	var before, after runtime.MemStats
	for range tries { // what else runs in the process only adds
		runtime.ReadMemStats(&before)
		if err := m.repeat(questions); err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		if n := (after.Mallocs - before.Mallocs) / questions; m.allocs == 0 || n < m.allocs {
			m.allocs = n
		}
	}
	return nil
}

func (m *measured) take() error {
	if m.connector != nil { // which other cases may use in their turns
		before := m.connector.Stats().SharedHits
		defer func() { m.fromTier += m.connector.Stats().SharedHits - before }()
	}
	asked, began := m.asked, time.Now()
	err := m.repeat(m.perTurn)
	m.inTurns += m.asked - asked
	m.turns = append(m.turns, time.Since(began)/time.Duration(m.perTurn))
	return err
}

// row is the case's row of the table.
func (m *measured) row(all []*measured) string {
	sorted := slices.Sorted(slices.Values(m.turns))
	var ratios []string
	for _, other := range all {
		if slices.Contains(m.against, other.name) {
			ratios = append(ratios, fmt.Sprintf("%s %.2f", other.name, compare.Ratios(m.turns, other.turns).Center))
		}
	}
	from := ""
	if m.connector != nil {
		from = fmt.Sprintf("%.1f %%", 100*float64(m.fromTier)/float64(m.inTurns))
	}
	micros := func(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)) }
	return fmt.Sprintf("| %s | %d | %s | %s | %d | %s | %s |",
		m.name, m.bytes, micros(sorted[0]), micros(sorted[len(sorted)/2]), m.allocs, from, strings.Join(ratios, ", "))
}
