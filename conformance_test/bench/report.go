package main

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/conformance_test/bench/internal/compare"
)

// report writes the table in Markdown.
func report(w io.Writer, cases []*measured, rounds int) {
	fmt.Fprintf(w, "%s; %d rounds.\n\n", machine(), rounds)
	fmt.Fprintln(w, "| case | fastest round | median round | allocations | ratio to (95 % confidence) |")
	fmt.Fprintln(w, "|---|---:|---:|---:|---|")
	for _, m := range cases {
		var ratios []string
		for _, other := range cases {
			if slices.Contains(m.against, other.name()) {
				ratios = append(ratios, ratio(m, other))
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %d | %s |\n", m.name(), micros(slices.Min(m.turns).Seconds()),
			withRange(compare.Times(m.turns)), m.allocs, strings.Join(ratios, ", "))
	}
}

// ratio says how a case compares with another. Where that may be chance, it says how likely.
func ratio(m, other *measured) string {
	r := compare.Ratios(m.turns, other.turns)
	digits := 2
	if r.Center < 0.1 {
		digits = 3
	}
	text := fmt.Sprintf("%s %.*f", other.way, digits, r.Center)
	if !math.IsInf(r.Hi-r.Lo, 0) {
		text += fmt.Sprintf(" (%.*f–%.*f)", digits, r.Lo, digits, r.Hi)
	}
	if p := compare.P(m.turns, other.turns); p >= 0.001 {
		text += fmt.Sprintf(" p %.3f", p)
	}
	return text
}

// withRange is a median and how far its interval goes from it.
func withRange(t compare.Interval) string {
	text := micros(t.Center)
	if !math.IsInf(t.Hi-t.Lo, 0) {
		text += fmt.Sprintf(" ± %.0f %%", 100*max(t.Hi-t.Center, t.Center-t.Lo)/t.Center)
	}
	return text
}

func micros(seconds float64) string {
	return fmt.Sprintf("%.2f µs", seconds*float64(time.Second/time.Microsecond))
}

func machine() string {
	return fmt.Sprintf("%s, %s/%s, GOMAXPROCS %d", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
}
