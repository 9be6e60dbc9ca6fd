package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// measured is one case and what its turns took.
type measured struct {
	name    string
	ctx     context.Context
	db      *sql.DB
	query   query
	against []string // the names of what it is held against

	workers int // how many goroutines share the queries of a turn; 0 is one
	perTurn int
	turns   []time.Duration // per query
	allocs  uint64          // of one query
}

// warmUp finds out how many queries make a turn.
func (m *measured) warmUp(turn time.Duration) error {
	m.perTurn = 1
	if err := m.repeat(); err != nil { // dials, asks the catalog and fills, none of which is to be measured
		return err
	}
	for {
		began := time.Now()
		if err := m.repeat(); err != nil {
			return err
		}
		took := time.Since(began)
		if took >= turn/2 {
			break
		}
		m.perTurn *= 2
	}
	return m.countAllocs()
}

func (m *measured) repeat() error {
	if m.workers == 0 {
		return m.query.repeat(m.ctx, m.db, m.perTurn)
	}
	var group errgroup.Group
	for range m.workers {
		group.Go(func() error { return m.query.repeat(m.ctx, m.db, max(1, m.perTurn/m.workers)) })
	}
	return group.Wait()
}

// countAllocs takes the smallest of some counts: what else runs in the process only adds.
func (m *measured) countAllocs() error {
	const queries, tries = 100, 5
	var before, after runtime.MemStats
	for range tries {
		runtime.ReadMemStats(&before)
		if err := m.query.repeat(m.ctx, m.db, queries); err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		if n := (after.Mallocs - before.Mallocs) / queries; m.allocs == 0 || n < m.allocs {
			m.allocs = n
		}
	}
	return nil
}

// take takes one turn.
func (m *measured) take() error {
	began := time.Now()
	err := m.repeat()
	m.turns = append(m.turns, time.Since(began)/time.Duration(m.perTurn))
	return err
}

// ratio is the median over the rounds of the ratio to another case.
func (m *measured) ratio(other *measured) float64 {
	ratios := make([]float64, len(m.turns))
	for i := range m.turns {
		ratios[i] = float64(m.turns[i]) / float64(other.turns[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// report writes the table in Markdown.
func report(w io.Writer, cases []*measured, rounds int) {
	fmt.Fprintf(w, "%s; %d rounds.\n\n", machine(), rounds)
	fmt.Fprintln(w, "| case | fastest round | median round | allocations | ratio to |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---|")
	for _, m := range cases {
		sorted := slices.Sorted(slices.Values(m.turns))
		var ratios []string
		for _, other := range cases {
			if slices.Contains(m.against, other.name) {
				kind := strings.TrimSuffix(other.name, " "+m.query.shape)
				ratios = append(ratios, fmt.Sprintf("%s %.2f", kind, m.ratio(other)))
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %s |\n",
			m.name, micros(sorted[0]), micros(sorted[len(sorted)/2]), m.allocs, strings.Join(ratios, ", "))
	}
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.2f µs", float64(d)/float64(time.Microsecond))
}
