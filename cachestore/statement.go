package cachestore

import (
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/gopgcache/pgcache/cachestore/internal/heap"
	"github.com/gopgcache/pgcache/internal/rowset"
)

// Statement is what all entries of one statement have in common whatever their arguments are. Those that are made with the same
// Statement hold it once for all. It is safe for concurrent use. A nil Statement is one without text and tags.
type Statement struct {
	text string
	tags []uint64
	// common is what the latest entry had in common with others. Entries don't hold the Statement, so that an entry never holds
	// another's columns.
	common atomic.Pointer[Common]
}

// NewStatement returns a Statement with the text, which is the common part of the key material: format, namespace, identity,
// rule, SQL text, execution mode. An entry whose tags are these needs no room for them; it may have others. The tags must not be
// changed any more.
func NewStatement(text string, tags []uint64) *Statement {
	return &Statement{text: text, tags: tags}
}

// Text is the common part of the key material.
func (s *Statement) Text() string {
	if s == nil {
		return ""
	}
	return s.text
}

// commonOf gives the Common of entries with this layout, or one that is equal to it. A statement has one at a time, except where
// sessions differ in how they see its columns.
func (s *Statement) commonOf(l *rowset.Layout) *Common {
	if s == nil {
		return newCommon("", nil, l)
	}
	if c := s.common.Load(); c != nil && c.layout.Equal(l) {
		return c
	}
	c := newCommon(s.text, s.tags, l)
	s.common.Store(c)
	return c
}

// has tells whether the tags are the statement's own.
func (s *Statement) has(tags []uint64) bool {
	return s != nil && len(tags) > 0 && slices.Equal(tags, s.tags)
}

// Common is what entries have in common that are of one Statement and whose results have the same columns. It never changes.
type Common struct {
	text   string
	tags   []uint64
	layout *rowset.Layout // nil for entries without rows
	size   int64
}

func newCommon(text string, tags []uint64, l *rowset.Layout) *Common {
	c := &Common{text: text, tags: tags, layout: l}
	c.size = heap.PointerBytes(int(unsafe.Sizeof(*c))) + heap.Bytes(len(text)) + heap.Bytes(cap(tags)*tagBytes)
	if l != nil {
		c.size += int64(l.Size()) + layoutRounding
	}
	return c
}

// layoutRounding is what the allocator adds to a layout, whose own Size counts its parts hardly rounded.
const layoutRounding = 16

// Size returns how many bytes of the heap the Common holds.
func (c *Common) Size() int64 { return c.size }

// statement gives a Statement that makes entries with this Common.
func (c *Common) statement() *Statement {
	s := NewStatement(c.text, c.tags)
	s.common.Store(c)
	return s
}
