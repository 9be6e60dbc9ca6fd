package sessions_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally counts what a test has done, so that it can be seen that it did something.
type tally struct {
	reads, hits, steps, worlds int
	inTransactions, errors     int
	uncompared                 int
	anew                       int // of the reads, those that only a plan made anew answered alike
	byKind                     map[string]*count
	badSetup                   int // statements of setups that failed
}

type count struct{ total, hits, failed int }

func newTally() *tally { return &tally{byKind: make(map[string]*count)} }

func (t *tally) kind(name string) *count {
	c := t.byKind[name]
	if c == nil {
		c = &count{}
		t.byKind[name] = c
	}
	return c
}

func (t *tally) setup(err error) {
	if err != nil {
		t.badSetup++
	}
}

// read counts a comparison that found no difference.
func (t *tally) read(o op, hit, inTransaction bool, got *outcome) {
	c := t.kind("read " + o.kind)
	t.reads++
	c.total++
	if hit {
		t.hits++
		c.hits++
	}
	if got.err != "" {
		t.errors++
		c.failed++
	}
	if inTransaction {
		t.inTransactions++
	}
}

func (t *tally) uncomparable() { t.uncompared++ }

func (t *tally) step(o op, err error) {
	c := t.kind(o.kind)
	t.steps++
	c.total++
	if err != nil {
		c.failed++
	}
}

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d worlds, %d reads compared, %d of them hits (%.1f %%), %d errors on both ways, %d in transactions; %d only by a plan made anew; %d could not be compared; %d other steps; %d statements of setups failed",
		t.worlds, t.reads, t.hits, 100*t.share(), t.errors, t.inTransactions, t.anew, t.uncompared, t.steps, t.badSetup)
	for _, name := range slices.Sorted(maps.Keys(t.byKind)) {
		c := t.byKind[name]
		fmt.Fprintf(&b, "\n%-26s %8d", name, c.total)
		if strings.HasPrefix(name, "read ") {
			fmt.Fprintf(&b, ", %8d hits", c.hits)
		}
		fmt.Fprintf(&b, ", %8d failed", c.failed)
	}
	return b.String()
}

// share is that of the hits in the reads.
func (t *tally) share() float64 { return float64(t.hits) / float64(max(t.reads, 1)) }
