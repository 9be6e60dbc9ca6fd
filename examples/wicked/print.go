package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gopgcache/pgcache/examples/internal/figures"
)

// introduce says what is run.
func (d *demo) introduce(ctx context.Context, out io.Writer) error {
	var version string
	if err := d.Plain.QueryRowContext(ctx, "SHOW server_version").Scan(&version); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  PostgreSQL %s\n\n", version)
	for i, q := range queries {
		fmt.Fprintf(out, "  %d  %s\n", i+1, strings.ReplaceAll(q.SQL, "\n", "\n     "))
	}
	_, err := fmt.Fprintln(out)
	return err
}

// conclude says what was compared, and what the cache says of itself.
func (d *demo) conclude(ctx context.Context, out io.Writer) error {
	stats, err := d.Stats(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  All %s answers equal the plain loop's.\n", figures.Grouped(d.checked))
	fmt.Fprintf(out, "  SHOW pgcache.stats says: %s\n", stats)
	return nil
}

// layout is the table's: what was run, four columns of here, two of the talk.
const layout = "  %-27s %8s %9s %8s %8s   %8s %8s"

// print writes the table, and what its numbers are.
func (t *table) print(out io.Writer) {
	line := func(cells ...any) { fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf(layout, cells...), " ")) }
	rule := func(width int) string { return strings.Repeat("─", width) }
	line("", "here", "speed-up", "bound", "of it", "the talk", "speed-up")
	line(rule(27), rule(8), rule(9), rule(8), rule(8), rule(8), rule(8))
	loop := t.loop.median().took
	for _, w := range t.ways {
		took, limit, share := w.median().took, "", ""
		if b := t.bound(w); b > 0 {
			limit, share = figures.Time(b), fmt.Sprintf("%.0f %%", 100*took.Seconds()/b.Seconds())
		}
		line(w.what, figures.Time(took), figures.Ratio(loop, took), limit, share, figures.Time(w.talk), figures.Ratio(talkLoop, w.talk))
	}
	alone, hit := t.loop.first(), t.hits.first()
	fmt.Fprintln(out)
	line("query 1 alone", figures.Time(alone), "1.00×", "", "", figures.Time(talkUncached), "1.00×")
	line("query 1, from the cache", figures.Time(hit), figures.Ratio(alone, hit), "", "",
		figures.Time(talkCached), figures.Ratio(talkUncached, talkCached))
	t.explain(out)
}

// explain says what the numbers are.
func (t *table) explain(out io.Writer) {
	cores := ""
	if t.cores > 0 {
		cores = fmt.Sprintf("; a worker more than the %d cores here gains nothing", t.cores)
	}
	fmt.Fprintf(out, "\n  Times are medians of %d rounds, the last line's of %d runs.\n", len(t.loop.laps), len(t.hits.laps))
	fmt.Fprintf(out, "  The bound is max(longest query, all queries / workers)%s.\n", cores)
	fmt.Fprintln(out, "  No query spreads over cores by itself: max_parallel_workers_per_gather = 0.")
	if t.disturbed() {
		fmt.Fprintln(out, "  What beats the bound shows that the cores had other work too: six queries get more of a busy core than one.")
		fmt.Fprintln(out, "  Run it again on a quiet machine.")
	}
	fmt.Fprintln(out)
	fmt.Fprintf(out, "  %s\n", t.verdict())
	fmt.Fprintf(out, "  All six from the cache: %s; %d more runs: median %s, longest %s.\n",
		figures.Time(t.second.median().took), len(t.hits.laps), figures.Time(t.hits.median().took), figures.Time(t.hits.longest().took))
}
