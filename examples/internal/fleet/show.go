package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/figures"
	"github.com/gopgcache/pgcache/examples/internal/pgbench"
)

// Show has processes ask, holds every answer against plain pgx's, and prints a table of it.
type Show struct {
	Database *pgbench.Database
	Out      io.Writer

	plain *pgbench.Plain
}

// NewShow opens plain pgx beside the processes.
func NewShow(ctx context.Context, database *pgbench.Database, out io.Writer) (*Show, error) {
	plain, err := database.OpenPlain(ctx)
	if err != nil {
		return nil, err
	}
	return &Show{Database: database, Out: out, plain: plain}, nil
}

// Close closes what NewShow opened.
func (s *Show) Close() { s.plain.Close() }

// Row is a line of the table.
type Row struct {
	What    string
	Queries int
	Ran     int64           // how many of them PostgreSQL ran
	Times   []time.Duration // of the queries
	Checked string
}

// Add adds the queries of another line.
func (r *Row) Add(other Row) {
	r.Queries, r.Ran, r.Times = r.Queries+other.Queries, r.Ran+other.Ran, append(r.Times, other.Times...)
}

// layout is the table's.
const layout = "  %-46s %7s %11s %8s %8s  %s\n"

// Head prints the head of the table.
func (s *Show) Head() {
	fmt.Fprintf(s.Out, "\n"+layout, "", "queries", "PostgreSQL", "median", "slowest", "the answers were checked")
	line := func(width int) string { return strings.Repeat("─", width) }
	fmt.Fprintf(s.Out, layout, line(46), line(7), line(11), line(8), line(8), line(34))
}

// Print prints a line of the table.
func (s *Show) Print(r Row) {
	fmt.Fprintf(s.Out, layout, r.What, figures.Grouped(r.Queries), "ran "+figures.Grouped(int(r.Ran)),
		figures.Time(median(r.Times)), figures.Time(slowest(r.Times)), r.Checked)
}

// Step tells what takes a moment.
func (s *Show) Step(what string) { fmt.Fprintln(s.Out, "  "+what) }

// Alone asks a question of plain pgx so many times, for comparison.
func (s *Show) Alone(ctx context.Context, what string, times int, q Question) (Row, error) {
	r := Row{What: what, Queries: times, Ran: int64(times), Checked: fmt.Sprintf("all %d agree", times)}
	a := Again(times, q)
	var p report
	if err := (&service{s.plain.DB}).ask(ctx, &a, &p); err != nil {
		return r, err
	}
	if n := len(p.Answers[0]); n != 1 {
		return r, fmt.Errorf("%w: it gives %d different ones itself", ErrDiffers, n)
	}
	r.Times = p.Times
	return r, nil
}

// Ask has the processes ask at the same time. All answers must be the ones that plain pgx gets just after.
func (s *Show) Ask(ctx context.Context, what string, processes []*Process, a Ask) (Row, error) {
	r := Row{What: what, Queries: a.queries() * len(processes)}
	before, err := s.ran(ctx, processes)
	if err != nil {
		return r, err
	}
	reports := make([]*report, len(processes))
	err = all(processes, func(i int, p *Process) (err error) {
		reports[i], err = p.do(&order{Ask: &a})
		return err
	})
	if err != nil {
		return r, err
	}
	after, err := s.ran(ctx, processes)
	if err != nil {
		return r, err
	}
	r.Ran = after - before
	for _, p := range reports {
		r.Times = append(r.Times, p.Times...)
	}
	r.Checked = fmt.Sprintf("all %s equal plain pgx's just after", figures.Grouped(r.Queries))
	return r, s.compare(ctx, processes, a.Questions, reports)
}

// ErrDiffers is the one thing that must never happen.
var ErrDiffers = errors.New("an answer differs from plain pgx's")

// compare holds all answers against the ones that plain pgx gets now.
func (s *Show) compare(ctx context.Context, processes []*Process, questions []Question, reports []*report) error {
	for i, q := range questions {
		right, err := q.answer(ctx, s.plain.DB)
		if err != nil {
			return err
		}
		for j, r := range reports {
			for answer := range r.Answers[i] {
				if answer != right {
					return fmt.Errorf("%w: process %s got %q instead of %q for %s %v",
						ErrDiffers, processes[j].Name, answer, right, q.SQL, q.Args)
				}
			}
		}
	}
	return nil
}

// ran tells how often PostgreSQL has run questions so far: as pg_stat_statements counts or, where there is none, by what the
// processes say that they sent.
func (s *Show) ran(ctx context.Context, processes []*Process) (int64, error) {
	n, err := s.plain.Ran(ctx)
	if !errors.Is(err, pgbench.ErrNotCounted) {
		return n, err
	}
	n = 0
	for _, p := range processes {
		stats, err := p.Stats()
		if err != nil {
			return 0, err
		}
		n += stats["misses"] + stats["bypassed"]
	}
	return n, nil
}

// names are what PrintStats prints.
var names = []string{
	"hits", "shared_hits", "coalesced", "misses", "bypassed", "fills", "rejected_fills", "store_errors", "corrupt_entries",
}

// PrintStats shows what each process says of itself.
func (s *Show) PrintStats(processes []*Process) error {
	fmt.Fprintln(s.Out, "\n  SHOW pgcache.stats says:")
	for _, p := range processes {
		stats, err := p.Stats()
		if err != nil {
			return err
		}
		parts := make([]string, len(names))
		for i, name := range names {
			parts[i] = fmt.Sprintf("%s %d", name, stats[name])
		}
		fmt.Fprintf(s.Out, "  %s: %s\n", p.Name, strings.Join(parts, ", "))
	}
	return nil
}
