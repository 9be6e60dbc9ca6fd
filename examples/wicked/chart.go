package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/figures"
)

// chart is the table as bars: each as long as its share of the plain loop's time.
type chart struct {
	title, about string
	bars         []bar
}

type bar struct {
	label string
	here  length
	talk  length  // nothing if the talk doesn't say
	bound float64 // the share that is possible; 0 if there is none to tell
}

// length is how long a bar is, as a share of the plain loop, and what is written at its end.
type length struct {
	share float64
	text  string
}

func (t *table) chart() chart {
	loop := t.loop.median().took
	c := chart{
		title: "Six queries over pgbench_accounts, by how they are run",
		about: fmt.Sprintf("Share of the time of a plain loop: %s in the talk, %s here", figures.Time(talkLoop), figures.Time(loop)),
	}
	if t.cores > 0 {
		c.about += fmt.Sprintf(", on %d cores", t.cores)
	}
	for _, w := range t.ways {
		b := bar{label: w.what, here: lengthOf(w.median().took, loop), bound: float64(t.bound(w)) / float64(loop)}
		if w.talk > 0 {
			b.talk = lengthOf(w.talk, talkLoop)
		}
		c.bars = append(c.bars, b)
	}
	return c
}

func lengthOf(took, loop time.Duration) length {
	return length{
		share: float64(took) / float64(loop),
		text:  figures.Time(took) + " · " + figures.Ratio(loop, took),
	}
}

// save writes the chart to a file, whose directory it makes if need be, and says where it is.
func (c chart) save(path string, out io.Writer) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, c.svg(), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  The table as a chart: %s\n", path)
	return nil
}
