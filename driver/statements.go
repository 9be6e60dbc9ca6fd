package driver

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// tally counts what became of the queries with one text.
type tally struct {
	hits, misses, coalesced, bypassed atomic.Int64
	bytes                             atomic.Int64 // of the results that were kept
	saved                             atomic.Int64 // nanoseconds that the hits would have cost PostgreSQL
}

func (y *tally) calls() int64 {
	return y.hits.Load() + y.misses.Load() + y.coalesced.Load() + y.bypassed.Load()
}

// showStatements tells what became of each text that was queried: those that saved the most first, then those that were
// asked for most. A text that was forgotten because there were too many begins anew when it comes back.
func (c *cache) showStatements() *rowset.Set {
	var asked []*text
	for _, known := range c.texts.known.Range {
		if t := known.(*text); t.tally.calls() > 0 {
			asked = append(asked, t)
		}
	}
	slices.SortFunc(asked, func(a, b *text) int {
		return cmp.Or(
			cmp.Compare(b.tally.saved.Load(), a.tally.saved.Load()), cmp.Compare(b.tally.calls(), a.tally.calls()),
			cmp.Compare(a.sql, b.sql))
	})
	rows := make([][]string, len(asked))
	for i, t := range asked {
		rows[i] = t.row()
	}
	return rowset.Table([]string{
		"statement", "rule", "verdict", "reason", "calls", "hits", "misses", "coalesced", "bypassed", "bytes", "time_saved_ms",
	}, rows)
}

// row is a line of SHOW pgcache.statements.
func (t *text) row() []string {
	rule, verdict, reason := t.judged()
	y := &t.tally
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		t.sql, rule, verdict, reason, count(y.calls()), count(y.hits.Load()), count(y.misses.Load()), count(y.coalesced.Load()),
		count(y.bypassed.Load()), count(y.bytes.Load()), strconv.FormatFloat(float64(y.saved.Load())/1e6, 'f', 3, 64),
	}
}

// judged tells the latest verdict on the text in words.
func (t *text) judged() (rule, verdict, reason string) {
	v := t.verdict.Load()
	switch {
	case !t.Cacheable():
		return "", notCacheable, t.Refusal
	case t.Hint.Off:
		return "", notCacheable, saysOff
	case v == nil:
		return "", "unknown", "it has only been run where nothing is cached: inside a transaction, or around the cache"
	case v.refusal != "":
		return "", notCacheable, v.refusal
	default:
		return v.rule.Name, cacheable, proved
	}
}
