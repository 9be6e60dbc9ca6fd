package driver

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// tally counts what became of the queries with one text.
type tally struct {
	hits                        atomic.Pointer[hits] // made by the first: many texts never have one
	misses, coalesced, bypassed atomic.Int64
	bytes                       atomic.Int64 // of the results that were kept
}

func (y *tally) hit(l lane, saved time.Duration) {
	h := y.hits.Load()
	if h == nil {
		y.hits.CompareAndSwap(nil, new(hits))
		h = y.hits.Load()
	}
	h.add(l, saved)
}

func (y *tally) calls() int64 {
	hits, _ := y.hits.Load().total()
	return hits + y.misses.Load() + y.coalesced.Load() + y.bypassed.Load()
}

// saved is what the hits would have cost PostgreSQL.
func (y *tally) saved() time.Duration {
	_, saved := y.hits.Load().total()
	return saved
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
			cmp.Compare(b.tally.saved(), a.tally.saved()), cmp.Compare(b.tally.calls(), a.tally.calls()),
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
	hits, saved := y.hits.Load().total()
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{
		t.sql, rule, verdict, reason, count(y.calls()), count(hits), count(y.misses.Load()), count(y.coalesced.Load()),
		count(y.bypassed.Load()), count(y.bytes.Load()), strconv.FormatFloat(float64(saved)/1e6, 'f', 3, 64),
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
