// Package recommend turns what observe mode has learned into advice: which statements to cache, and rules to paste.
package recommend

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/advice"
	"github.com/gopgcache/pgcache/internal/duration"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// columns are those of SHOW pgcache.advice.
var columns = []string{
	"statement", "calls", "cacheable", "ttl", "predicted_hit_ratio", "time_saved_ms", "bytes", "lies_by_ttl", "lies",
	"break_even", "origin_ms", "sample", "ladder", "rule", "reason",
}

// advised is a statement's report with what to do about it.
type advised struct {
	advice.Report
	best *advice.Rung // nil when no rule is advised, as reason says
	rule string
	why  string
}

// Table tells which statements to cache, those that save the most first, and which not, and why.
func Table(learned *advice.Observer) *rowset.Set {
	list := advise(learned)
	rows := make([][]string, len(list))
	for i := range list {
		rows[i] = list[i].row()
	}
	return rowset.Table(columns, rows)
}

func advise(learned *advice.Observer) []advised {
	var list []advised
	for _, s := range learned.Statements() {
		if r := s.Report(); r.Calls > 0 {
			a := advised{Report: r}
			a.best, a.why = a.Best()
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b advised) int {
		return cmp.Or(cmp.Compare(b.saved(), a.saved()), cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Text, b.Text))
	})
	for i := range list {
		if list[i].best != nil && list[i].why == "" {
			list[i].rule = list[i].ruleAmong(list)
		}
	}
	return list
}

func (a *advised) saved() time.Duration {
	if a.best == nil {
		return 0
	}
	return a.best.Saved
}

// ruleAmong gives a rule to paste. One by tables is easier to read, but it takes all statements that read them: it is given where
// they are all advised the same.
func (a *advised) ruleAmong(all []advised) string {
	r := dsn.Rule{TTL: a.best.TTL, Lock: dsn.DefaultLock}
	tables := strings.Join(a.Tables, ",")
	text := fmt.Sprintf("%s: table=%s ttl=%s", ruleName(a.Tables, a.best.TTL), tables, r.TTL)
	if parsed, err := dsn.ParseRule(text); err == nil && alike(a, all) {
		return parsed.String()
	}
	hash := sha256.Sum256([]byte(a.Text))
	text = fmt.Sprintf("q%s: sql~%q ttl=%s", hex.EncodeToString(hash[:4]), "", r.TTL)
	text = strings.Replace(text, `""`, `"`+strings.ReplaceAll(a.Pattern, `"`, `\"`)+`"`, 1)
	if parsed, err := dsn.ParseRule(text); err == nil && a.Pattern != "" {
		return parsed.String()
	}
	return ""
}

// alike tells whether every statement that a rule by tables would take is advised to have the same ttl.
func alike(a *advised, all []advised) bool {
	for i := range all {
		b := &all[i]
		other := func(table string) bool { return !slices.Contains(a.Tables, table) }
		taken := b.Observed > 0 && len(b.Tables) > 0 && !slices.ContainsFunc(b.Tables, other)
		if taken && (b.best == nil || b.why != "" || b.best.TTL != a.best.TTL) {
			return false
		}
	}
	return len(a.Tables) > 0
}

// ruleName makes a name of the tables and the ttl.
func ruleName(tables []string, ttl time.Duration) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return '_'
	}, strings.ReplaceAll(strings.Join(tables, "_"), "public.", ""))
	const longest = 50
	return "t_" + name[:min(len(name), longest)] + "_" + duration.Format(ttl)
}

// row is a line of SHOW pgcache.advice.
func (a *advised) row() []string {
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	ratio := func(f float64) string { return strconv.FormatFloat(f, 'f', 3, 64) }
	millis := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 3, 64) }
	if a.Observed == 0 {
		return []string{a.Text, count(a.Calls), "not cacheable", "", "", "", "", "", "", "", "", "", "", "", a.why}
	}
	rung, ttl := &a.Rungs[0], ""
	if a.best != nil {
		rung, ttl = a.best, duration.Format(a.best.TTL)
	}
	return []string{
		a.Text, count(a.Calls), "cacheable", ttl, ratio(rung.HitRatio), millis(rung.Saved), count(rung.Bytes),
		count(rung.PlainLies), count(rung.Lies), ratio(a.BreakEven), millis(a.Cost), "1/" + strconv.FormatUint(a.Sample, 10),
		a.ladder(), a.rule, cmp.Or(a.why, a.Reason),
	}
}

// ladder tells of each ttl the hit ratio, and the lies of a ttl alone and of what is left of them.
func (a *advised) ladder() string {
	parts := make([]string, len(a.Rungs))
	for i, r := range a.Rungs {
		parts[i] = fmt.Sprintf("%s %.3f lies %d/%d", duration.Format(r.TTL), r.HitRatio, r.PlainLies, r.Lies)
	}
	return strings.Join(parts, ", ")
}
