package regress

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gopgcache/pgcache/driver"
)

// trio is the three servers that every statement runs on.
type trio struct {
	plain, second, cached *side
	report                *fileReport
	escapes               bool // backslashes in plain literals are escapes just now
	broken                bool // the session with the cache is lost
	lasting               *lasting
	// shadow has the server of the cache answer what the cache answered, too. A read is not without effect: it tidies
	// pages, and with that decides where later rows go and in which order they come when no order is asked for.
	shadow bool
}

// each gives the outcomes of one step on all three.
func (t *trio) each(step func(*side) *outcome) (a, b, c *outcome) {
	return step(t.plain), step(t.second), step(t.cached)
}

func (t *trio) connect(ctx context.Context) error {
	return errors.Join(t.plain.connect(ctx), t.second.connect(ctx), t.cached.connect(ctx))
}

var (
	// PostgreSQL takes either word for either way.
	copyIn    = regexp.MustCompile(`(?is)\bfrom\s+std(?:in|out)\b`)
	copyOut   = regexp.MustCompile(`(?is)\bto\s+std(?:in|out)\b`)
	returning = regexp.MustCompile(`(?i)\breturning\b`)
	into      = regexp.MustCompile(`(?i)\binto\b`)
)

// run runs one statement, and gives what plain pgx saw. data has the lines that follow in the script; the result tells
// whether the statement took them.
func (t *trio) run(ctx context.Context, text string, several bool, data string) (*outcome, bool) {
	t.report.Statements++
	text = t.lasting.edit(text)
	var args []any
	if several {
		args = []any{pgx.QueryExecModeSimpleProtocol} // the other modes take one statement at a time
	}
	word := keyword(text)
	var a *outcome
	took := false
	switch {
	case word == "copy" && (copyIn.MatchString(text) || copyOut.MatchString(text)) || several && copyIn.MatchString(text):
		if several {
			t.report.skip("COPY among several statements")
			return new(outcome), true
		}
		a, took = t.copy(ctx, text, data)
	case slices.Contains([]string{"select", "values", "table", "with"}, word):
		a = t.read(ctx, text, args)
	case slices.Contains([]string{"show", "explain", "fetch", "execute", "call"}, word), returning.MatchString(text):
		a = t.once(text, func(s *side) *outcome { return s.query(ctx, text, args...) })
	default:
		a = t.once(text, func(s *side) *outcome { return s.exec(ctx, text, args...) })
	}
	t.lasting.made(text, a)
	return a, took
}

func (t *trio) copy(ctx context.Context, text, data string) (*outcome, bool) {
	if !copyIn.MatchString(text) {
		return t.once(text, func(s *side) *outcome { return s.copyOut(ctx, text) }), false
	}
	took := false
	a := t.once(text, func(s *side) *outcome {
		o, wanted := s.copyIn(ctx, text, data)
		took = took || wanted
		return o
	})
	return a, took
}

// once runs a statement once and compares what came of it.
func (t *trio) once(text string, step func(*side) *outcome) *outcome {
	a, b, c := t.each(step)
	t.report.unsteady(text, a, b)
	t.note(text, "", 0, t.compare(0, a, b, c), c)
	return a
}

// read runs a statement twice, so that the second answer may come from the cache, and asks for the reason when it did not.
func (t *trio) read(ctx context.Context, text string, args []any) *outcome {
	r := reading{text: text}
	r.alive, r.tx, _ = t.plain.state()
	step := func(s *side) *outcome { return s.query(ctx, text, args...) }
	var hits [2]int64
	var first, last [3]*outcome
	for i := range 2 {
		before := t.cached.stats().Hits
		last[0], last[1], last[2] = t.each(step)
		hits[i] = t.cached.stats().Hits - before
		t.report.unsteady(text, last[0], last[1])
		list := t.compare(hits[i], last[0], last[1], last[2])
		if len(list) > 0 && r.tx == 'I' && len(args) == 0 {
			list = t.arbitrate(ctx, text, hits[i], list, last)
		}
		t.note(text, []string{"first run", "second run"}[i], hits[i], list, last[2])
		if hits[i] > 0 && t.shadow {
			t.compareHit(ctx, text, args, last)
		}
		if i == 0 {
			first = last
		}
		if alive, tx, _ := t.plain.state(); !alive || tx == 'E' || len(first[0].columns) == 0 && into.MatchString(text) {
			break // what failed a transaction, or made a table, can't be run again
		}
	}
	r.failed = first[0].failure != "" || last[2].failure != ""
	r.hit = hits[1] > 0
	if r.tx != 'I' && hits[0]+hits[1] > 0 {
		t.report.differ(text, "a cached answer in a transaction")
	}
	if hits[1] > 0 && first[0].failure == "" && !same(first[0], last[0]) && !same(first[1], last[1]) && same(first[2], last[2]) {
		t.report.differ(text, "a cached answer to a question that has another each time\n  pgx: "+shorten(fmt.Sprint(last[0].rows)))
	}
	r.verdict(t.cached.query(ctx, "explain (pgcache) "+text, args...))
	t.report.reading(&r)
	return first[0]
}

// compare compares one run of a statement on the three servers.
func (t *trio) compare(hits int64, a, b, c *outcome) []string {
	list := differences(a, b, c)
	if slices.Equal(a.notices, b.notices) && !slices.Equal(a.notices, c.notices) {
		if hits > 0 {
			t.report.LostNotices++
		} else {
			list = append(list, fmt.Sprintf("notices\n  pgx:     %q\n  pgcache: %q", a.notices, c.notices))
		}
	}
	return list
}

// note notes the differences of one run.
func (t *trio) note(text, run string, hits int64, list []string, c *outcome) {
	t.broken = t.broken || lost(c.err)
	for _, d := range list {
		t.report.differ(text, strings.TrimSpace(fmt.Sprintf("%s (%d hits) %s", run, hits, d)))
	}
}

// arbitrate takes a difference back where the cache is not its cause.
func (t *trio) arbitrate(ctx context.Context, text string, hits int64, list []string, run [3]*outcome) []string {
	switch {
	case t.plannedAnew(ctx, text, hits, run[2]):
		t.report.Expected[oldPlan]++
	case t.ownOrder(ctx, text, run):
		t.report.Expected[ownOrder]++
	default:
		return list
	}
	return nil
}

const ownOrder = "no order was asked for, and the server of the cache has its own: pages are tidied by reads, and when that happens" +
	" depends on what else was read"

var ordered = regexp.MustCompile(`(?is)\border\s+by\b`)

// ownOrder tells whether nothing differs but the order of rows, for which the statement does not ask, and whether
// PostgreSQL itself gives the session that order.
func (t *trio) ownOrder(ctx context.Context, text string, run [3]*outcome) bool {
	a, c := run[0], run[2]
	if word := keyword(text); word != "select" && word != "table" || ordered.MatchString(text) {
		return false
	}
	if a.failure != c.failure || a.done != c.done || !slices.Equal(a.columns, c.columns) || !sameRows(a, c) {
		return false
	}
	return same(c, t.cached.query(driver.Bypass(ctx), text))
}

const oldPlan = "plain pgx ran a statement that it had prepared before the schema or the session changed;" +
	" prepared again it gives what pgcache gave"

// plannedAnew tells whether the plain servers give what pgcache gave once they have to plan the statement. pgx keeps
// statements prepared, and one from before a change may fail, or read as before. pgcache keeps no answer of such a one.
func (t *trio) plannedAnew(ctx context.Context, text string, hits int64, c *outcome) bool {
	step := func(s *side) *outcome { return s.query(ctx, text, pgx.QueryExecModeDescribeExec) }
	return len(t.compare(hits, step(t.plain), step(t.second), c)) == 0
}

// compareHit compares a cached answer with what PostgreSQL gives the same session now.
func (t *trio) compareHit(ctx context.Context, text string, args []any, run [3]*outcome) {
	ctx = driver.Bypass(ctx)
	now := t.cached.query(ctx, text, args...)
	if !same(run[2], now) && len(args) == 0 {
		now = t.cached.query(ctx, text, pgx.QueryExecModeDescribeExec) // see plannedAnew
	}
	if same(run[0], run[1]) && !same(run[2], now) {
		t.report.differ(text, fmt.Sprintf("cached, and not what the session gets now:\n  pgcache: %s\n  now:     %s",
			shorten(fmt.Sprint(run[2].rows)), shorten(fmt.Sprint(now.failure, now.rows))))
	}
}

// recover looks after the sessions when a statement is done: one that was lost is lost to all, as psql would connect again.
func (t *trio) recover(ctx context.Context) error {
	alive, _, escapes := t.plain.state()
	also, _, _ := t.second.state()
	t.escapes = escapes
	if alive && also && !t.broken {
		return nil
	}
	t.escapes, t.broken = false, false
	t.report.Reconnects++
	return t.connect(ctx)
}

// tidy removes what a script's edits have left.
func (t *trio) tidy(ctx context.Context) error {
	leftovers := t.lasting.leftovers()
	if leftovers == nil {
		return nil
	}
	if err := t.connect(ctx); err != nil {
		return err
	}
	for _, text := range leftovers {
		t.once(text, func(s *side) *outcome { return s.exec(ctx, text) })
	}
	return nil
}

// lost tells whether an error means that there is no session any more.
func lost(err error) bool {
	return errors.Is(err, sqldriver.ErrBadConn) || errors.Is(err, sql.ErrConnDone)
}

// asText shows a value as psql would, for a variable.
func asText(value any) (text string, null bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return v, false
	case []byte:
		return string(v), false
	case bool:
		return word(v)[:1], false
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), false
	case time.Time:
		return v.Format("2006-01-02 15:04:05.999999-07:00"), false
	default:
		return fmt.Sprint(v), false
	}
}
