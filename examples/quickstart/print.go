package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The talk's times for this question, over 500 million accounts in 5,000 branches.
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
const layout = "  %-27s %7s %9s  %8s %8s  %s\n"

// introduce says what is compared, and heads the table.
func (d *demo) introduce(ctx context.Context, out io.Writer) error {
	var version string
	if err := d.plain.QueryRowContext(ctx, "SHOW server_version").Scan(&version); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  PostgreSQL %s\n  %s\n\n", version, question)
	fmt.Fprintf(out, "  - sql.Open(\"pgx\",     dsn)\n  + sql.Open(\"pgcache\", dsn + \"&pgcache_rule=%s\")\n\n", rule)
	heading := func(cells ...any) { fmt.Fprintf(out, layout, cells...) }
	heading("", "here", "speed-up", "the talk", "speed-up", "the answer was checked")
	line := func(width int) string { return strings.Repeat("─", width) }
	heading(line(27), line(7), line(9), line(8), line(8), line(38))
	return nil
}

func (d *demo) print(out io.Writer, r row) {
	fmt.Fprintf(out, layout, r.what, short(r.took), ratio(d.uncached, r.took), short(r.talk), ratio(talkUncached, r.talk), r.checked)
}

// conclude says what the times are.
func conclude(out io.Writer) {
	fmt.Fprintf(out, "\n  Times are medians of %d runs (plain pgx) and %d (hits).\n", slowRuns, fastRuns)
	fmt.Fprintf(out, "  The write is %s, through pgcache.\n", write)
}

// printStats shows the cache's own account of it all. The command is answered by the driver, so no server is needed.
func (d *demo) printStats(ctx context.Context, out io.Writer) error {
	rows, err := d.cached.QueryContext(ctx, "SHOW pgcache.stats")
	if err != nil {
		return err
	}
	defer rows.Close()
	var parts []string
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return err
		}
		switch name {
		case "hits", "misses", "fills", "rejected_fills", "entries", "bytes", "time_saved_ms":
			parts = append(parts, name+" "+value)
		}
	}
	fmt.Fprintf(out, "\n  SHOW pgcache.stats says: %s\n", strings.Join(parts, ", "))
	return rows.Err()
}

// short gives a time with three digits.
func short(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d >= time.Second:
		return digits(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return digits(d.Seconds()*1e3) + " ms"
	default:
		return digits(d.Seconds()*1e6) + " µs"
	}
}

// ratio says how many times faster something is.
func ratio(slow, fast time.Duration) string {
	if fast == 0 {
		return ""
	}
	return digits(float64(slow)/float64(fast)) + "×"
}

// digits gives a number with three digits that mean something.
func digits(v float64) string {
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	n, unit := int(v+0.5), 1
	for n/unit >= 1000 {
		unit *= 10
	}
	return grouped((n + unit/2) / unit * unit)
}

// grouped writes 3000000 as 3,000,000.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
