package regress

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// reading is one statement that reads, and why it was or wasn't answered from the cache.
type reading struct {
	text   string
	alive  bool
	tx     byte // the state of the transaction before it
	failed bool // in PostgreSQL too
	hit    bool // its second run

	cacheable bool
	reason    string
	details   string
}

// verdict takes the answer of EXPLAIN (PGCACHE).
func (r *reading) verdict(o *outcome) {
	if o.failure != "" {
		r.details = "EXPLAIN (PGCACHE) failed: " + o.failure
	}
	for _, row := range o.rows {
		switch row[0] {
		case `"verdict"`:
			r.cacheable = row[1] == `"cacheable"`
		case `"reason"`:
			r.reason = strings.Trim(row[1], `"`)
		default:
			r.details += row[0] + "=" + row[1] + " "
		}
	}
}

// expected are the differences that have to be.
var expected = []struct {
	file       string
	text, what *regexp.Regexp
	why        string
}{
	{
		"stats", regexp.MustCompile(`SELECT sessions AS db_stat_sessions FROM pg_stat_database`),
		regexp.MustCompile(`row 1 of 1, column 1`),
		"a count of all sessions: the cache asks for old answers of the catalog again over one of its own",
	},
	{
		"stats", regexp.MustCompile(`SELECT wal_bytes > \d+ FROM pg_stat_wal`),
		regexp.MustCompile(`\(0 hits\) row 1 of 1, column 1`),
		"a count of the server's own, held against one of another server",
	},
	{
		"with", regexp.MustCompile(`UPDATE y SET a = a \* 100 RETURNING \*\s*\)\s*SELECT \* FROM t LIMIT 10`),
		regexp.MustCompile(`\(0 hits\) row`),
		"ten of the rows, whichever come first: see the order of rows",
	},
}

// fileReport is what came of one file.
type fileReport struct {
	Name       string
	Statements int

	Reads  int // statements that read
	Failed int // of those, the ones that PostgreSQL refuses
	InTx   int // of the others, those in a transaction
	Judged int // the rest

	Cacheable int // of the rest
	Hits      int // of the cacheable ones, those whose second run was a hit

	Unsteady    []string // runs in which the two plain servers differ
	LostNotices int      // hits where PostgreSQL would have sent a notice
	Reconnects  int

	Differences []string
	Expected    map[string]int // differences that have to be, and why
	Skipped     map[string]int
	Reasons     map[string][]string // statements that are not cacheable, by reason
	Unhit       []string            // cacheable, and yet no hit
}

func newFileReport(name string) *fileReport {
	return &fileReport{Name: name, Expected: map[string]int{}, Skipped: map[string]int{}, Reasons: map[string][]string{}}
}

func (f *fileReport) skip(why string) { f.Skipped[why]++ }

// differ notes a difference, unless it is one that has to be.
func (f *fileReport) differ(text, what string) {
	for _, e := range expected {
		if f.Name == e.file && e.text.MatchString(text) && e.what.MatchString(what) {
			f.Expected[e.why]++
			return
		}
	}
	f.Differences = append(f.Differences, fmt.Sprintf("%s: %s\n  %s", f.Name, shorten(text), what))
}

// unsteady notes a run in which the two plain servers differ.
func (f *fileReport) unsteady(text string, a, b *outcome) {
	if same(a, b) {
		return
	}
	f.Unsteady = append(f.Unsteady, fmt.Sprintf("%s: %s\n  %s", f.Name, shorten(text), strings.Join(differences(a, a, b), "\n  ")))
}

// reading counts a statement that reads.
func (f *fileReport) reading(r *reading) {
	f.Reads++
	if !r.cacheable && strings.TrimSpace(r.reason) == "" {
		f.differ(r.text, "not cacheable, and no reason: "+r.details)
	}
	switch {
	case r.failed:
		f.Failed++
		return
	case r.tx != 'I':
		f.InTx++
		return
	}
	f.Judged++
	switch {
	case !r.cacheable:
		f.Reasons[r.reason] = append(f.Reasons[r.reason], f.Name+": "+r.text)
	case r.hit:
		f.Cacheable++
		f.Hits++
	default:
		f.Cacheable++
		f.Unhit = append(f.Unhit, fmt.Sprintf("%s: %s\n  %s", f.Name, shorten(r.text), shorten(r.details)))
	}
	if !r.cacheable && r.hit {
		f.differ(r.text, "a hit, and yet not cacheable: "+r.reason)
	}
}

// add adds the counts of another file.
func (f *fileReport) add(other *fileReport) {
	f.Statements += other.Statements
	f.Reads += other.Reads
	f.Failed += other.Failed
	f.InTx += other.InTx
	f.Judged += other.Judged
	f.Cacheable += other.Cacheable
	f.Hits += other.Hits
	f.Unsteady = append(f.Unsteady, other.Unsteady...)
	f.LostNotices += other.LostNotices
	f.Reconnects += other.Reconnects
	f.Differences = append(f.Differences, other.Differences...)
	f.Unhit = append(f.Unhit, other.Unhit...)
	for why, n := range other.Expected {
		f.Expected[why] += n
	}
	for why, n := range other.Skipped {
		f.Skipped[why] += n
	}
	for why, texts := range other.Reasons {
		f.Reasons[why] = append(f.Reasons[why], texts...)
	}
}

const (
	heading = "%-24s %10s %6s %6s %5s %6s %9s %5s %8s %8s %6s %7s %5s\n"
	line    = "%-24s %10d %6d %6d %5d %6d %9d %5d %8d %8d %6d %7d %5d\n"
)

func (f *fileReport) line() string {
	skipped := 0
	for _, n := range f.Skipped {
		skipped += n
	}
	return fmt.Sprintf(line, f.Name, f.Statements, f.Reads, f.Failed, f.InTx, f.Judged, f.Cacheable, f.Hits, len(f.Unhit),
		len(f.Unsteady), f.LostNotices, skipped, len(f.Differences))
}

// report is what came of a run.
func report(files []*fileReport) string {
	var b strings.Builder
	fmt.Fprintf(&b, heading, "file", "statements", "reads", "failed", "in tx", "judged", "cacheable", "hits", "no hit", "unsteady",
		"silent", "skipped", "diffs")
	total := newFileReport("total")
	for _, f := range files {
		b.WriteString(f.line())
		total.add(f)
	}
	b.WriteString(total.line())
	fmt.Fprintf(&b, "\n%d of the %d reads outside of transactions are cacheable (%.1f %%), and %d were hits when run again.\n",
		total.Cacheable, total.Judged, 100*float64(total.Cacheable)/float64(max(total.Judged, 1)), total.Hits)
	b.WriteString("\nNot cacheable, and why:\n")
	b.WriteString(histogram(total.Reasons))
	b.WriteString("\nSkipped, and why:\n")
	for _, why := range byCount(total.Skipped) {
		fmt.Fprintf(&b, "%6d %s\n", total.Skipped[why], why)
	}
	b.WriteString("\nDifferences that have to be:\n")
	for _, why := range byCount(total.Expected) {
		fmt.Fprintf(&b, "%6d %s\n", total.Expected[why], why)
	}
	fmt.Fprintf(&b, "\nSessions lost and begun again: %d. Cacheable, and yet no hit: %d\n", total.Reconnects, len(total.Unhit))
	for _, text := range total.Unhit {
		fmt.Fprintf(&b, "%s\n", text)
	}
	fmt.Fprintf(&b, "\nUnsteady, the two plain servers differ: %d\n", len(total.Unsteady))
	for _, text := range total.Unsteady {
		fmt.Fprintf(&b, "%s\n", text)
	}
	fmt.Fprintf(&b, "\nDifferences: %d\n", len(total.Differences))
	for _, d := range total.Differences {
		fmt.Fprintf(&b, "%s\n\n", d)
	}
	return b.String()
}

func byCount(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
}

// histogram counts reasons by their kind, which is the reason without its names, and shows those with most statements in full.
func histogram(reasons map[string][]string) string {
	short, full := map[string]int{}, map[string]int{}
	for why, texts := range reasons {
		short[kind(why)] += len(texts)
		full[why] += len(texts)
	}
	var b strings.Builder
	for _, why := range byCount(short) {
		fmt.Fprintf(&b, "%6d %s\n", short[why], why)
	}
	b.WriteString("in full, the most frequent first, each with a statement:\n")
	for _, why := range byCount(full) {
		fmt.Fprintf(&b, "%6d %s\n         %s\n", full[why], why, shortLine(reasons[why][0]))
	}
	return b.String()
}

// kinds are the reasons that name something, without its name.
var kinds = []struct {
	reason *regexp.Regexp
	kind   string
}{
	{regexp.MustCompile(`it may call .*, which is VOLATILE.*`), "it may call a function that is VOLATILE"},
	{regexp.MustCompile(`it may call .*`), "it may call a function that is only STABLE"},
	{regexp.MustCompile(`^\S+ is a system catalog`), "... is a system catalog"},
	{regexp.MustCompile(`^\S+ has row-level security`), "... has row-level security"},
	{regexp.MustCompile(`the type \S+`), "the type ..."},
	{regexp.MustCompile(`the cast to \S+`), "the cast to ..."},
	{regexp.MustCompile(`may be cast to .*, which`), "may be cast to ..., which"},
	{regexp.MustCompile(`the system column \S+`), "the system column ..."},
	{regexp.MustCompile(`the literal '.*' may`), "the literal '...' may"},
	{regexp.MustCompile(`it writes to .*`), "it writes to ..."},
	{regexp.MustCompile(`there is no (relation|function) \S+`), "there is no $1 ..."},
	{regexp.MustCompile(`^\S+ (is a time with time zone|is a sequence|holds names)`), "... $1"},
	{regexp.MustCompile(`position \d+.*`), "position ..."},
}

func kind(reason string) string {
	for _, k := range kinds {
		if k.reason.MatchString(reason) {
			return k.reason.ReplaceAllString(reason, k.kind)
		}
	}
	return reason
}

func shortLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 160 {
		text = text[:160] + "..."
	}
	return text
}
