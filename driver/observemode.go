package driver

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"time"

	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/advice"
	"github.com/gopgcache/pgcache/internal/catalog"
)

// candidate is the rule that statements are judged by in observe mode when none of the user's matches. Its name is none that a
// rule can have, so that no process with rules shares a key with it.
var candidate = dsn.Rule{Name: "(observe)", All: true, TTL: advice.Ladder[len(advice.Ladder)-1], Lock: dsn.DefaultLock}

// observedText is what a text's queries are counted under.
type observedText struct{ *advice.Statement }

// observe passes a query on, whatever it is, and learns what a cache would have done for it.
func (c *Conn) observe(ctx context.Context, r *request) (driver.Rows, error) {
	if r.text.Changes() {
		return c.bypass(ctx, r)
	}
	// Now, and not on the way: what is observed is what a connection that is in use would see.
	c.comeBack()
	if _, err := c.inner.conn(ctx); err != nil {
		return nil, err
	}
	s := c.cache.observed(r.text)
	s.Call()
	may, err := c.admissible(ctx, r)
	if err != nil {
		return nil, err
	}
	if !may || !r.makeKey(c) {
		s.Refuse(c.whyNot(r))
		return c.bypass(ctx, r)
	}
	look := c.cache.begin(r, s)
	rows, err := c.bypassProved(ctx, r)
	passed, ok := rows.(*passedRows)
	if err != nil || !ok || c.identity != r.verdict.identity {
		return rows, err
	}
	return &observedRows{passedRows: passed, sighting: look}, nil
}

// bypassProved passes on a query that was proved to be a plain read, if it still is one in this session. The proof is for this query
// alone, however it ends: what a program hooks into pgx may panic, and the connection be used after that.
func (c *Conn) bypassProved(ctx context.Context, r *request) (driver.Rows, error) {
	defer func() { c.watch.proved = false }()
	c.watch.proved = c.identity == r.verdict.identity && r.verdict.current(c.cache)
	return c.bypass(ctx, r)
}

// observed gives what the text's queries are counted under.
func (c *cache) observed(t *text) *advice.Statement {
	if known := t.observed.Load(); known != nil && !known.Forgotten() {
		return known.Statement
	}
	fingerprint, pattern := t.Fingerprint()
	if len(fingerprint) > advice.MaxText {
		fingerprint, pattern = fingerprint[:advice.MaxText], ""
	}
	s := c.learner.Statement(fingerprint, pattern)
	t.observed.Store(&observedText{s})
	return s
}

// whyNot says why a query could not have been answered from the cache.
func (c *Conn) whyNot(r *request) string {
	if reason := c.immediateRefusal(r); reason != "" {
		return reason
	}
	switch {
	case r.verdict != nil && r.verdict.refusal != "":
		return r.verdict.refusal
	case r.verdict != nil && r.verdict.rule != nil:
		return "an argument can't be told apart from others, or names a moment such as 'now'; or the session can't be told"
	default:
		return "the session is not one to keep answers from"
	}
}

// sighting is a query on its way.
type sighting struct {
	cache   *cache
	request request
	query   advice.Query
	into    *advice.Statement
	rows    rowHash
	room    [128]byte // for the first rows
	limit   int64
	most    int64 // rows
}

// begin notes the state of things before a query is sent.
func (c *cache) begin(r *request, s *advice.Statement) *sighting {
	limit := c.limit(r.verdict.rule)
	look := &sighting{cache: c, request: *r, into: s, limit: limit.Bytes, most: limit.Rows}
	look.query.Key = binary.BigEndian.Uint64(r.key[:])
	look.request.tags() // the arguments are the caller's
	look.query.Position = c.ledger.Position()
	if fw := r.verdict.follower; fw != nil {
		look.query.Position = fw.tracker.Position()
	}
	look.rows.buffer = look.room[:0]
	look.query.Began = time.Now()
	return look
}

// Fresh implements advice.Judge.
func (l *sighting) Fresh(position uint64) bool {
	if fw := l.request.verdict.follower; fw != nil {
		return fw.tracker.Fresh(l.request.tags(), position)
	}
	return l.cache.ledger.Fresh(l.request.tags(), position)
}

// took notes that the last row has come.
func (l *sighting) took() { l.query.Cost = time.Since(l.query.Began) }

// end learns from a result that came to its clean end.
func (l *sighting) end() {
	q := &l.query
	q.Hash, q.Size = l.rows.sum, l.rows.bytes+entryBytes+int64(len(l.request.verdict.statement.Text()))
	q.TooLarge = l.large()
	q.Admitted = l.request.verdict.follower != nil || l.cache.ledger.Admit(l.request.tags(), q.Position)
	l.into.Reads(l.request.verdict.answer.tableNames())
	l.into.Observe(q, l)
}

// entryBytes is about what an entry takes beside its rows and its statement.
const entryBytes = 640

// large tells whether the result is too large to be kept.
func (l *sighting) large() bool {
	return l.rows.bytes > l.limit || l.most > 0 && l.rows.count > l.most
}

// tableNames are the names of the tables that are read, as a rule's table= takes them.
func (a *answer) tableNames() []string {
	if names := a.names.Load(); names != nil {
		return *names
	}
	var names []string
	for _, t := range a.Tables() {
		if !t.Covered {
			names = append(names, tableName(t))
		}
	}
	a.names.Store(&names)
	return names
}

func tableName(t catalog.Relation) string {
	return dsn.TablePattern{Schema: t.Schema, Table: t.Name}.String()
}
