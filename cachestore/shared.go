package cachestore

import "context"

// Lessor is implemented by stores that several processes share. It lets one process at a time make an entry, while the others
// wait for it. All methods are safe for concurrent use.
type Lessor interface {
	// Lease asks for the right to make the entry under key. It does not wait for anybody. An error means that the store
	// could not be asked.
	Lease(ctx context.Context, key Key) (Lease, error)
}

// Lease is the right to make one entry, or the knowledge that somebody else has it.
type Lease interface {
	// Mine tells whether the right is the caller's. If so it is kept up, for as long as this process lives, until Put or
	// Release; one of the two must be called.
	Mine() bool
	// Wait is for a lease that is not the caller's. It returns nil when its holder has put the entry, has given up or has
	// died, so that it's worth looking again; or the error of the context that has ended, or of the store.
	Wait(ctx context.Context) error
	// Put keeps the entry and ends the lease, unless it was lost to somebody else meanwhile: then the entry is dropped, which
	// is no error. Whoever waits is woken.
	Put(ctx context.Context, entry *Entry) error
	// Release ends the lease without an entry and wakes who waits. It does nothing after Put, and may be called twice.
	Release()
}

// Ledger is implemented by stores that several processes share. Where no feed tells of changes, it tells each of these
// processes of the writes of all.
//
// A mark stands for the state of a set of tags: it is another one as soon as a write to one of them has begun. So what was read
// from PostgreSQL after Read said quiet may be kept under its mark, and is fresh as long as Read gives the same mark again.
// Marks are not ordered, and one never comes again, whatever the store forgets.
type Ledger interface {
	// Read gives the mark of the tags. quiet is false while a write to one of them is under way.
	Read(ctx context.Context, tags []uint64) (mark uint64, quiet bool, err error)
	// GetMarked is Get and Read in one round trip.
	GetMarked(ctx context.Context, key Key, tags []uint64) (entry *Entry, mark uint64, quiet bool, err error)
	// Begin is called before a write is sent to PostgreSQL, and End when its outcome is known and visible to all. writer names
	// the write, the same for both. all means that it may write anything. Either may be repeated, and must be if it failed.
	Begin(ctx context.Context, writer string, tags []uint64, all bool) error
	End(ctx context.Context, writer string, tags []uint64, all bool) error
	// Writers lists the writes to the tags that are under way, those that may write anything included, so that those whose
	// process has died can be found and ended.
	Writers(ctx context.Context, tags []uint64) ([]string, error)
}
