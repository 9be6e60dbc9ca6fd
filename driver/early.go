package driver

import "github.com/gopgcache/pgcache/cachestore"

// earlyPlans are the statements that a session may have planned before the catalog was first asked about them. What their names stood
// for then nobody knows: if somebody else has changed the schema in between, the plan is of the old one, and the answer of the new. (Of
// changes between two answers the second one tells, and then no plan from before is used.)
type earlyPlans struct {
	made map[string]cachestore.Instant
	many bool // there were too many to remember
}

// maxEarlyPlans bounds what is remembered. pgx doesn't keep more plans either, by default.
const maxEarlyPlans = 512

// note notes a statement that is about to be planned.
func (e *earlyPlans) note(sql string) {
	if _, known := e.made[sql]; known || e.many {
		return
	}
	if e.made == nil {
		e.made = make(map[string]cachestore.Instant)
	}
	e.made[sql] = cachestore.Now()
	if len(e.made) > maxEarlyPlans {
		e.made, e.many = nil, true
	}
}

// of tells whether the session may hold a plan of a statement from before an instant.
func (e *earlyPlans) of(sql string, since cachestore.Instant) bool {
	at, known := e.made[sql]
	return e.many || known && at < since
}

// planEarly is called before a statement is planned that is not a fill's. If a feed tells of every change of the schema there is nothing
// to remember.
func (c *Conn) planEarly(t *text) {
	if !t.Cacheable() || c.cache.schemaTold() {
		return
	}
	if c.identity == nil || c.cache.answers.of(question{c.identity, t.names}, c.cache.schema.Load()) == nil {
		c.early.note(t.sql)
	}
}
