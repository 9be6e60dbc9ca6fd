package cachestore

import (
	"time"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore/internal/heap"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// Entry is a row set plus what is needed to judge it. It is made by [NewEntry] and immutable: a store, its readers and its writer
// share it without copying. It must not be copied by value, since most of it stands behind the struct; see room.go.
//
// There may be millions of them, so each field costs megabytes.
type Entry struct {
	_ noCopy

	common     *Common
	position   uint64
	readAt     Instant
	cost, keep time.Duration

	// How much of what is in the room behind the entry; nothing when its parts are apart. The room holds no more than fits these
	// fields: a tag is 8 bytes, and a row has a length of 4 at least.
	rowBytes, arguments uint16
	rows, tags          uint8
	flags               flags
}

type flags uint8

const (
	isForeign     flags = 1 << iota
	isApart             // the parts have blocks of their own
	statementTags       // the tags are the statement's
)

// noCopy has vet report copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// NewEntry makes an entry. What is large of the content it keeps, so that must not be changed any more; what is small it copies.
func NewEntry(c Content) *Entry {
	var rows rowset.Set
	if c.Rows != nil {
		rows = *c.Rows
	}
	tags, kind := c.Tags, flags(0)
	if c.Statement.has(tags) {
		tags, kind = nil, statementTags
	}
	if c.Foreign {
		kind |= isForeign
	}
	e := place(c.Arguments, tags, rows)
	e.flags |= kind
	e.common = c.Statement.commonOf(rows.Layout())
	e.position, e.readAt, e.cost, e.keep = c.Position, InstantOf(c.ReadAt), c.Cost, c.Keep
	return e
}

// place returns an entry that has nothing but these parts.
func place(arguments string, tags []uint64, rows rowset.Set) *Entry {
	room := len(tags)*tagBytes + len(arguments) + rows.WireSize()
	if room > mostRoom {
		e := &spread{apart: apart{arguments, tags, rows.Data(), rows.Len()}}
		e.flags = isApart
		return &e.Entry
	}
	e := newRoomy(room)
	e.tags, e.arguments = uint8(len(tags)), uint16(len(arguments))
	e.rows, e.rowBytes = uint8(rows.Len()), uint16(rows.WireSize())
	copy(e.tagRoom(), tags)
	copy(e.argumentRoom(), arguments)
	copy(e.rowRoom(), rows.Data())
	return e
}

func (e *Entry) argumentRoom() []byte { return e.room(int(e.tags)*tagBytes, int(e.arguments)) }

func (e *Entry) rowRoom() []byte {
	return e.room(int(e.tags)*tagBytes+int(e.arguments), int(e.rowBytes))
}

// Statement is the part of the key material that the entry has in common with all entries of its statement.
func (e *Entry) Statement() string { return e.common.text }

// Arguments is the entry's own part of the key material.
func (e *Entry) Arguments() string {
	if e.flags&isApart != 0 {
		return e.apart().arguments
	}
	room := e.argumentRoom()
	return unsafe.String(unsafe.SliceData(room), len(room))
}

// Rows is the result. An entry that was made without one has no layout either.
func (e *Entry) Rows() rowset.Set {
	if e.flags&isApart != 0 {
		return e.common.layout.Of(e.apart().data, e.apart().rows)
	}
	return e.common.layout.Of(e.rowRoom(), int(e.rows))
}

// Tags are what the result depends on. The caller must not change them.
func (e *Entry) Tags() []uint64 {
	switch {
	case e.flags&statementTags != 0:
		return e.common.tags
	case e.flags&isApart != 0:
		return e.apart().tags
	default:
		return e.tagRoom()
	}
}

// Position is the point in the order of changes at which the result was read.
func (e *Entry) Position() uint64 { return e.position }

// ReadAt is when the query was sent.
func (e *Entry) ReadAt() time.Time { return e.readAt.time() }

// ReadInstant is ReadAt by the clock of this process.
func (e *Entry) ReadInstant() Instant { return e.readAt }

// Age is how long before a moment the query was sent.
func (e *Entry) Age(at Instant) time.Duration { return at.Sub(e.readAt) }

// Cost is how long PostgreSQL took.
func (e *Entry) Cost() time.Duration { return e.cost }

// Keep is how long after ReadAt the entry can be of any use.
func (e *Entry) Keep() time.Duration { return e.keep }

// Foreign tells whether the entry may have been made by another process.
func (e *Entry) Foreign() bool { return e.flags&isForeign != 0 }

// Expired tells whether the entry can be of no use any more.
func (e *Entry) Expired(at Instant) bool { return e.Age(at) >= e.keep }

// Common is what the entry has in common with others.
func (e *Entry) Common() *Common { return e.common }

// Size returns how many bytes of the heap the entry holds, each block as the allocator rounds it up, if it has nothing in common
// with another entry. If it has, the size of Common counts once for all of them, and OwnSize for each.
func (e *Entry) Size() int64 { return e.OwnSize() + e.common.Size() }

// OwnSize returns how many bytes of the heap the entry alone holds.
//
// Arguments that have a block of their own count by their length. If they are a part of a longer string the entry holds that
// too, and OwnSize can't see it.
func (e *Entry) OwnSize() int64 {
	if e.flags&isApart == 0 {
		return heap.PointerBytes(entryBytes + int(e.tags)*tagBytes + int(e.arguments) + int(e.rowBytes))
	}
	a := e.apart()
	return heap.PointerBytes(int(unsafe.Sizeof(spread{}))) +
		heap.Bytes(len(a.arguments)) + heap.Bytes(cap(a.tags)*tagBytes) + heap.Bytes(cap(a.data))
}
