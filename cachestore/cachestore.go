// Package cachestore says what a place to keep row sets must do.
//
// A store only keeps: it never judges. Whether an entry may still be served is decided by the ledger, on every hit, from
// the position and the tags that the entry carries. So a store needs no delete, may forget whatever it likes whenever it
// likes, and can't make an answer stale. What it must never do is give back anything but what was put in.
//
// Implementations live below this package (memory, redis); the contract is tested by storetest.
package cachestore

import (
	"context"
	"time"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// Key names an entry: the SHA-256 of its key material.
type Key [32]byte

// Entry is a row set plus what is needed to judge it. It is immutable once it has been put: a store, its readers and its
// writer share it without copying.
type Entry struct {
	// Material is the whole key material, of which the key is the hash. A reader compares it on every hit, so a
	// collision or a mixed-up store can only cost a miss.
	Material Material
	// Rows is the result.
	Rows *rowset.Set
	// Position is the point in the order of changes at which the result was read.
	Position uint64
	// Tags are what the result depends on, as the ledger names them. Many entries share one slice.
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

// Material is what a key is the hash of, in two parts.
type Material struct {
	// Statement is the part that all entries of one statement have in common: format, namespace, identity, rule, SQL
	// text, execution mode. In memory they share one string.
	Statement string
	// Arguments is the entry's own part: each argument with its type.
	Arguments string
}

// Store keeps entries by key. All methods are safe for concurrent use.
//
// Errors mean that the store could not do its work; the caller counts them and asks PostgreSQL. An absent, expired or
// damaged entry is not an error but a nil entry.
type Store interface {
	// Get returns the entry that was last put under key, or nil when there is none (any more). It gives up when ctx
	// ends.
	Get(ctx context.Context, key Key) (*Entry, error)
	// Put keeps entry under key, in place of what was there. The store may drop it at once, for instance when it is
	// larger than the whole store.
	Put(ctx context.Context, key Key, entry *Entry) error
	// Clear drops every entry, other processes' too if they share the store.
	Clear(ctx context.Context) error
	// Stats tells what the store holds now. One that processes share holds nothing of this one alone, and counts nothing.
	Stats() Stats
	// Close drops everything and stops whatever runs in the background. A closed store answers Get with nil and drops
	// what is put. Closing twice is allowed. What processes share stays for the others.
	Close() error
}

// Stats is what a store holds.
type Stats struct {
	Entries int64 // entries kept, expired ones that were not yet dropped included
	Bytes   int64 // bytes held for them, keys and bookkeeping included
	Evicted int64 // entries dropped since the start to stay within the bound
}
