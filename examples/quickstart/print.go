package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/examples/internal/figures"
)

// The times that the talk gave for this question, on its own machine and data.
const (
	talkUncached = 24_900 * time.Millisecond
	talkCached   = 4_320 * time.Microsecond
)

// row is a line of the table.
type row struct {
	what    string
	took    time.Duration // 0: not done
	talk    time.Duration // 0: the talk has no such line
	checked string        // how the answer was checked
}

// layout is the table's: two columns of times and ratios here, two of the talk's.
const layout = "  %-27s %8s %8s  %8s %8s  %s\n"

// introduce says what is compared, and heads the table.
func (d *demo) introduce(ctx context.Context, out io.Writer) error {
	var version string
	if err := d.Plain.QueryRowContext(ctx, "SHOW server_version").Scan(&version); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  PostgreSQL %s\n  %s\n\n", version, question)
	fmt.Fprintf(out, "  - sql.Open(\"pgx\",     dsn)\n  + sql.Open(\"pgcache\", dsn + \"&pgcache_rule=%s\")\n\n", rule)
	heading := func(cells ...any) { fmt.Fprintf(out, layout, cells...) }
	heading("", "here", "speed-up", "talk", "speed-up", "the answer was checked")
	line := func(width int) string { return strings.Repeat("─", width) }
	heading(line(27), line(8), line(8), line(8), line(8), line(38))
	return nil
}

func (d *demo) print(out io.Writer, r row) {
	fmt.Fprintf(out, layout, r.what, figures.Time(r.took), figures.Ratio(d.uncached, r.took),
		figures.Time(r.talk), figures.Ratio(talkUncached, r.talk), r.checked)
}

// conclude says what the times are.
func conclude(out io.Writer) {
	fmt.Fprintf(out, "\n  Times are medians of %d runs (plain pgx) and %d (hits).\n", slowRuns, fastRuns)
	fmt.Fprintf(out, "  The write is %s, through pgcache.\n", write)
}

// printStats shows the cache's own account of it all.
func (d *demo) printStats(ctx context.Context, out io.Writer) error {
	stats, err := d.Stats(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  SHOW pgcache.stats says: %s\n", stats)
	return nil
}
