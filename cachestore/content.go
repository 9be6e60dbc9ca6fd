package cachestore

import (
	"time"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// Content is what an Entry is made of, and what it can be taken apart into.
type Content struct {
	// Statement is the part of the key material that all entries of one statement have in common, and Arguments the entry's
	// own: each argument with its type. Together they are the whole material, of which the key is the hash. A reader compares
	// it on every hit, so a collision or a mixed-up store can only cost a miss.
	Statement *Statement
	Arguments string
	// Rows is the result.
	Rows *rowset.Set
	// Position is the point in the order of changes at which the result was read.
	Position uint64
	// Tags are what the result depends on, as the ledger names them.
	Tags []uint64
	// ReadAt is when the query was sent. An entry's age counts from here, not from when it arrived.
	ReadAt time.Time
	// Cost is how long PostgreSQL took: what one hit saves.
	Cost time.Duration
	// Keep is how long after ReadAt the entry can be of any use: the rule's TTL plus the time it may be served stale. A
	// store drops it after that.
	Keep time.Duration
	// Foreign is set when the entry may have been made by another process. What this process began to watch only lately it
	// may have missed changes of that the entry lacks.
	Foreign bool
}

// Content takes the entry apart. The result shares the entry's memory: it must not be changed, but other fields may be set for
// another entry to be made of it.
func (e *Entry) Content() Content {
	c := Content{
		Statement: e.common.statement(), Arguments: e.Arguments(), Position: e.Position(), Tags: e.Tags(),
		ReadAt: e.ReadAt(), Cost: e.Cost(), Keep: e.Keep(), Foreign: e.Foreign(),
	}
	if rows := e.Rows(); rows.Layout() != nil {
		c.Rows = &rows
	}
	return c
}
