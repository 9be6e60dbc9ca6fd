package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// measure is one number of a run.
type measure struct {
	name   string
	unit   string
	paced  bool // it is looked at under loads that are paced, too
	only   bool // and only there
	number func(*outcome) float64
}

var measures = []measure{
	{"transactions", "/s", false, false, (*outcome).rate},
	{"server CPU per transaction", " µs", true, false, (*outcome).cpuPerWrite},
	{"CPU of who follows per transaction", " µs", true, false, (*outcome).ownPerWrite},
	{"p50 latency", " µs", true, true, func(o *outcome) float64 { return micros(o.median()) }},
}

// report writes the table in Markdown: the medians, and the medians of the ratios within a round with their quartiles.
func report(w io.Writer, list []*load, o options, long time.Duration) {
	fmt.Fprintf(w, "%s/%s, %d processors; pgbench -N at scale %d, durable: %v, %d rounds of %d s each, %v in all.\n\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), o.scale, o.durable, o.rounds, o.seconds, long.Round(time.Second))
	fmt.Fprintln(w, "| load | measure | nothing | one slot | ratio | touch log | ratio |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|---:|")
	for _, l := range list {
		for _, m := range measures {
			if l.half != nil && !m.paced || l.half == nil && m.only {
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %.0f%s |", l.name, m.name, median(l.numbers(none, m)), m.unit)
			for _, name := range followers[1:] {
				fmt.Fprintf(w, " %.0f%s | %s |", median(l.numbers(name, m)), m.unit, l.ratio(name, m))
			}
			fmt.Fprintln(w)
		}
	}
}

func (l *load) numbers(name string, m measure) (list []float64) {
	for i := range l.runs[name] {
		list = append(list, m.number(&l.runs[name][i]))
	}
	return list
}

func (l *load) ratio(name string, m measure) string {
	with, without := l.numbers(name, m), l.numbers(none, m)
	for i := range with {
		with[i] /= without[i]
	}
	slices.Sort(with)
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(with), with[len(with)/4], with[len(with)*3/4])
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
