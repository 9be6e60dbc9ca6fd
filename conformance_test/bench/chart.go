package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/compare"
	"github.com/gopgcache/pgcache/conformance_test/bench/internal/shape"
)

// chart has how long queries take, as shares of pgx's times: a group of bars for each shape.
type chart struct {
	about  string
	groups []group
}

type group struct {
	title string
	bars  []bar
}

// bar is one case: its ratio to pgx, and how long it takes.
type bar struct {
	label, class string
	ratio        compare.Interval
	took         string
}

// charted are the ways of which each shape has a bar, and the class of its colour.
var charted = []struct{ way, class string }{
	{"floor", "plain"},
	{"hit", "hit"},
	{"strict hit", "hit"},
	{"Redis hit", "hit"},
	{"peer hit", "hit"},
	{"miss", "miss"},
	{"off", "plain"},
}

// chartOf makes a chart of the cases that took turns.
func chartOf(list []*measured, rounds int) (chart, error) {
	find := func(way, shape string) *measured {
		i := slices.IndexFunc(list, func(m *measured) bool { return m.way == way && m.shape == shape })
		if i < 0 {
			return nil
		}
		return list[i]
	}
	c := chart{about: fmt.Sprintf("%s; medians of %d rounds with their 95 %% confidence intervals", machine(), rounds)}
	for _, s := range shape.All {
		pgx := find("pgx", s.Name)
		if pgx == nil {
			continue
		}
		g := group{title: s.Name + ": pgx takes " + short(compare.Times(pgx.turns).Center)}
		for _, drawn := range charted {
			if m := find(drawn.way, s.Name); m != nil {
				g.bars = append(g.bars, bar{
					drawn.way, drawn.class, compare.Ratios(m.turns, pgx.turns), short(compare.Times(m.turns).Center),
				})
			}
		}
		c.groups = append(c.groups, g)
	}
	if len(c.groups) == 0 {
		return c, fmt.Errorf("pgx has not taken turns, to which the chart compares")
	}
	return c, nil
}

// writeChart draws the chart into a file, whose directory it makes if need be.
func writeChart(path string, list []*measured, rounds int) error {
	c, err := chartOf(list, rounds)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a chart is for everybody
		return err
	}
	return os.WriteFile(path, c.svg(), 0o644) //nolint:gosec // a chart is for everybody
}

// short is a time in three digits.
func short(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2f µs", seconds*1e6)
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f µs", seconds*1e6)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", seconds*1e6)
	default:
		return fmt.Sprintf("%.2f ms", seconds*1e3)
	}
}
