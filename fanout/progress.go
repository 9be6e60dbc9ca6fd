package fanout

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Step is what an Event tells.
type Step int

// A query goes through Started and Finished, a run ends with Over. Queries that
// were never started, because the run failed before, have no events.
const (
	Started Step = iota
	Finished
	Over
)

// Event is one step of a run, with the state of the whole after it.
type Event struct {
	Step  Step
	Index int           // which query, from 0; -1 when Over
	Name  string        // its name, or the beginning of its SQL
	Took  time.Duration // when Finished
	Err   error         // when Finished and failed: a *QueryError

	Total   int           // queries asked
	Running int           // started and not finished
	Done    int           // finished, the failed ones included
	Failed  int           // failed or cancelled
	Elapsed time.Duration // since the run began
}

// meter counts and tells Progress. Its mutex makes the calls come one at a time.
type meter struct {
	tell  func(Event)
	tasks []Task
	began time.Time

	mu    sync.Mutex
	state Event // only the counts
}

func newMeter(tell func(Event), tasks []Task) *meter {
	return &meter{tell: tell, tasks: tasks, began: time.Now(), state: Event{Total: len(tasks)}}
}

func (m *meter) started(i int) {
	m.step(func(e *Event) {
		e.Running++
	}, Event{Step: Started, Index: i})
}

func (m *meter) finished(i int, took time.Duration, err error) {
	m.step(func(e *Event) {
		e.Running--
		e.Done++
		if err != nil {
			e.Failed++
		}
	}, Event{Step: Finished, Index: i, Took: took, Err: err})
}

func (m *meter) over() {
	m.step(func(*Event) {}, Event{Step: Over, Index: -1})
}

func (m *meter) step(count func(*Event), e Event) {
	if m.tell == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	count(&m.state)
	if e.Index >= 0 {
		e.Name = label(m.tasks[e.Index].name, m.tasks[e.Index].sql)
	}
	e.Total, e.Running, e.Done, e.Failed = m.state.Total, m.state.Running, m.state.Done, m.state.Failed
	e.Elapsed = time.Since(m.began)
	m.tell(e)
}

// ProgressLine returns a Group.Progress that writes to w: on a terminal one line
// that is rewritten in place, elsewhere one line for each query that ends. Give
// each run that goes on at the same time its own. Errors of w are ignored.
func ProgressLine(w io.Writer) func(Event) {
	if isTerminal(w) {
		return func(e Event) { drawLine(w, e) }
	}
	return func(e Event) { logLine(w, e) }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const (
	barCells  = 20
	lineCells = 79 // narrower than any terminal, so that the line never wraps
)

// drawLine goes back to the line's beginning, writes, and clears what is left.
func drawLine(w io.Writer, e Event) {
	filled := barCells * e.Done / max(1, e.Total)
	line := fmt.Sprintf("[%s%s] %s", strings.Repeat("#", filled), strings.Repeat(".", barCells-filled), counts(e))
	end := ""
	switch e.Step {
	case Started, Finished:
		line += " · " + printable(e.Name)
	case Over:
		end = "\n"
	}
	if cells := []rune(line); len(cells) > lineCells {
		line = string(cells[:lineCells-1]) + "…"
	}
	fmt.Fprint(w, "\r", line, "\x1b[K", end)
}

func logLine(w io.Writer, e Event) {
	if e.Step != Finished {
		return
	}
	verdict := "done"
	if e.Err != nil {
		verdict = "failed"
	}
	fmt.Fprintf(w, "%s · %s %s in %s\n", counts(e), printable(e.Name), verdict, rounded(e.Took))
}

func counts(e Event) string {
	text := fmt.Sprintf("%d/%d", e.Done, e.Total)
	if e.Failed > 0 {
		text += fmt.Sprintf(", %d failed", e.Failed)
	}
	return text + fmt.Sprintf(", %s", rounded(e.Elapsed))
}

func rounded(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

// printable keeps a query's text from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}
