package pgbench

import (
	"fmt"
	"io"
	"strings"

	"github.com/gopgcache/pgcache/examples/internal/program"
)

// bar shows how far something is: drawn again and again on a terminal, elsewhere as a line now and then.
type bar struct {
	out      io.Writer
	label    string
	terminal bool
	percent  int // the last shown
	open     bool
}

const (
	barWidth  = 30
	plainStep = 25 // percent between plain lines
)

func newBar(out io.Writer, label string) *bar {
	return &bar{out: out, label: label, terminal: program.IsTerminal(out)}
}

// show draws the bar if it has moved.
func (b *bar) show(done, all int) {
	percent := done * 100 / all
	switch {
	case b.terminal && (percent > b.percent || !b.open):
		b.open = true
		full := barWidth * done / all
		fmt.Fprintf(b.out, "\r  %s %s%s %3d %%", b.label, strings.Repeat("█", full), strings.Repeat("░", barWidth-full), percent)
	case !b.terminal && percent/plainStep > b.percent/plainStep:
		fmt.Fprintf(b.out, "  %s: %d %%\n", b.label, percent)
	default:
		return
	}
	b.percent = percent
}

// step names what comes after.
func (b *bar) step(what string) {
	b.end()
	fmt.Fprintln(b.out, "  "+what)
}

// end leaves the line, so that what comes next has one of its own.
func (b *bar) end() {
	if b.open {
		b.open = false
		fmt.Fprintln(b.out)
	}
}
