// Package cachestore says what a place to keep row sets must do.
//
// A store only keeps: it never judges. Whether an entry may still be served is decided by the ledger, on every hit, from
// the position and the tags that the entry carries. So a store needs no delete, may forget whatever it likes whenever it
// likes, and can't make an answer stale. What it must never do is give back anything but what was put in.
//
// Implementations live below this package (memory, redis); the contract is tested by storetest.
package cachestore

import "context"

// Key names an entry: the SHA-256 of its key material, or in the memory of one process a hash that is as evenly spread.
type Key [32]byte

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
