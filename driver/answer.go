package driver

import (
	"sync"
	"time"

	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// answerAge is how long an answer of the catalog is believed. The schema's changes made through this connector end it at
// once; others are not seen, so the catalog is asked again.
const answerAge = time.Minute

// answer is what the catalog said about the names in a text.
type answer struct {
	*catalog.Answer
	schema uint64
	at     time.Time
}

// question is what an answer answers.
type question struct {
	identity *identity
	names    string
}

// answers remembers what the catalog said. It is bounded.
type answers struct {
	mu    sync.RWMutex
	known map[question]*answer
}

const maxAnswers = 10_000

// of returns an answer that still holds, or nil.
func (as *answers) of(q question, schema uint64) *answer {
	as.mu.RLock()
	a := as.known[q]
	as.mu.RUnlock()
	if a == nil || !a.holds(schema) {
		return nil
	}
	return a
}

// holds tells whether the answer is recent enough, and no change of the schema came after it.
func (a *answer) holds(schema uint64) bool {
	return a.schema == schema && time.Since(a.at) < answerAge
}

func (as *answers) put(q question, a *answer) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.known == nil || len(as.known) >= maxAnswers {
		as.known = make(map[question]*answer)
	}
	as.known[q] = a
}

// tablesRead are the tags of what a statement with this answer reads.
func (a *answer) tablesRead() []freshness.Tag {
	relations := a.Relations
	tags := make([]freshness.Tag, len(relations))
	for i, r := range relations {
		tags[i] = freshness.TableTag(r.OID)
	}
	return tags
}

// tablesWritten are the tags of what a statement with this answer may write, or all.
func (a *answer) tablesWritten() (tags []freshness.Tag, all bool) {
	if a.Reach.Unknown || a.MayWrite() {
		return nil, true
	}
	return a.tablesReached(), false
}

func (a *answer) tablesReached() []freshness.Tag {
	tags := make([]freshness.Tag, len(a.Reach.Tables))
	for i, oid := range a.Reach.Tables {
		tags[i] = freshness.TableTag(oid)
	}
	return tags
}
