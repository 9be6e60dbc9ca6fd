package driver

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/internal/catalog"
	"github.com/gopgcache/pgcache/internal/freshness"
)

// answerAge is after how long the catalog is asked again. Changes of the schema made through this connector end an answer at
// once; others are not seen, and take effect that much later.
const answerAge = time.Minute

// answer is what the catalog said about the names in a text.
type answer struct {
	*catalog.Answer
	question question
	text     *text // what was asked about
	// untracked says why the feed does not tell of all changes of the tables; empty when it does.
	untracked string
	// after is the last transaction that may have changed the tables before the feed told of them.
	after uint64
	// columns are those by which rows of the tables can be told, when there is a feed.
	columns []catalog.Column
	schema  uint64
	// unsettled is set when the feed had told of changes of the schema that the answer may not take in.
	unsettled bool
	at        cachestore.Instant
	// since is from when on the catalog is known to have said so.
	since cachestore.Instant
	// dropped is set when asking again has failed: it counts no more, but what comes next is held against it.
	dropped atomic.Bool
	// doubted is when a run of the statement last counted as a change of the schema.
	doubted atomic.Pointer[cachestore.Instant]
	// wanted is set when somebody used the answer although it was old.
	wanted atomic.Bool
	// names are those of the tables, when observe mode has asked for them.
	names atomic.Pointer[[]string]
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

// latest returns the latest answer to a question, or nil.
func (as *answers) latest(q question) *answer {
	as.mu.RLock()
	defer as.mu.RUnlock()
	return as.known[q]
}

// of returns the answer to a question, or nil. One from before the latest change of the schema does not count.
func (as *answers) of(q question, schema uint64) *answer {
	a := as.latest(q)
	if a == nil || a.schema != schema || a.dropped.Load() {
		return nil
	}
	return a
}

// old tells whether it is time to ask again. Until that has been done the answer counts: a server that is down must not
// keep what it said before from being used.
func (a *answer) old(now cachestore.Instant) bool { return now.Sub(a.at) >= answerAge }

// overdue lists the answers that are old and were used all the same.
func (as *answers) overdue(schema uint64) []*answer {
	as.mu.RLock()
	defer as.mu.RUnlock()
	now := cachestore.Now()
	var list []*answer
	for _, a := range as.known {
		if a.schema == schema && a.old(now) && a.wanted.Load() && !a.dropped.Load() {
			list = append(list, a)
		}
	}
	return list
}

// drop has an answer count no more.
func (as *answers) drop(q question) {
	if a := as.latest(q); a != nil {
		a.dropped.Store(true)
	}
}

// put adds an answer. It reports false when there were too many: then all others have been forgotten.
func (as *answers) put(a *answer) bool {
	as.mu.Lock()
	defer as.mu.Unlock()
	full := len(as.known) >= maxAnswers
	if as.known == nil || full {
		as.known = make(map[question]*answer)
	}
	as.known[a.question] = a
	return !full
}

// opaque tells whether a statement with this answer runs something that may do anything.
func (a *answer) opaque() bool { return a.MayWrite() || a.Reach.Unknown }

// doubts tells whether what such a statement does is to be counted as a change of the schema: once in a while. A trigger that writes an
// audit trail may run a hundred times a second, and to ask the catalog anew each time would be dearer than what the cache saves; what
// a function changes at its second run within a minute is seen when others' changes are.
func (a *answer) doubts(now cachestore.Instant) bool {
	last := a.doubted.Load()
	if last != nil && now.Sub(*last) < answerAge {
		return false
	}
	return a.doubted.CompareAndSwap(last, &now)
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

func (a *answer) tablesReached() []freshness.Tag {
	tags := make([]freshness.Tag, len(a.Reach.Tables))
	for i, oid := range a.Reach.Tables {
		tags[i] = freshness.TableTag(oid)
	}
	return tags
}
