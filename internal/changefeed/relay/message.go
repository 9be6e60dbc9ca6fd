package relay

import (
	"hash/fnv"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// Term tells one leader's stream from every other of the same server, and which of two is the later: Lead is a transaction
// of the leader's own, begun when it had been elected, and Stream counts the streams that it had since.
type Term struct{ Lead, Stream uint64 }

// Before tells whether a term is an earlier one than another.
func (t Term) Before(other Term) bool {
	return t.Lead < other.Lead || t.Lead == other.Lead && t.Stream < other.Stream
}

// header is what a batch says of itself, and of all batches of its term before it.
type header struct {
	// server names the server by its identity: fleets of several may share a transport.
	server uint64
	// generation names the server's history, as the sink is told. It is empty in most batches: those can't be begun with.
	generation string
	term       Term
	// sequence numbers the batches of a term, from 0.
	sequence uint64
	// position is not before any commit that was told before the batch, and after not before any of their transactions, nor
	// those that the leader itself was not told.
	position, after uint64
}

// kind is that of a message.
type kind byte

const (
	kindCommit kind = 1 + iota
	kindPass
	kindHeed
	kindLose
)

// message is one thing that a leader tells.
type message struct {
	kind kind
	// position is a commit's, or the one that was passed.
	position uint64
	// Of a commit: its transaction, the tables that it changed, and what tags it has beside theirs.
	xid                uint64
	tables             []uint32
	tags               []freshness.Tag
	everything, schema bool
	// Of a heed: the column that is heeded from now on.
	table  uint32
	column string
}

// size is about how many bytes a message takes.
func (m *message) size() int { return 24 + 5*len(m.tables) + 8*len(m.tags) + len(m.column) }

// batch is what is sent at a time.
type batch struct {
	header

	messages []message
}

// step is what a header's numbers are after a message.
func (h *header) step(m *message) {
	if m.kind == kindCommit {
		h.after = max(h.after, m.xid)
	}
	h.position = max(h.position, m.position)
}

// serverOf names a server by its identity.
func serverOf(identity string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(identity))
	return h.Sum64()
}
