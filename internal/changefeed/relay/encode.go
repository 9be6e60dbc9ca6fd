package relay

import "encoding/binary"

// The first bytes of every batch and every request: what it is, and how it is written. Who does not know the version takes
// nothing from it.
const (
	magicBatch   = 0xB7
	magicRequest = 0xB8
	version      = 1
)

// Flags of a batch, and of a commit.
const (
	flagGeneration = 1 << iota
)

const (
	flagEverything = 1 << iota
	flagSchema
)

// encode writes a batch of as many messages as fit, at least one if there are any, and says how many. Numbers are written as
// differences, of which most are small: positions to the one before, transactions to the header's.
func encode(h header, messages []message, limit int) (data []byte, taken int) {
	data = appendHeader(make([]byte, 0, 128), h)
	at := h.position
	for i := range messages {
		m := &messages[i]
		if i > 0 && len(data)+m.size() > limit {
			return data, i
		}
		data = m.append(data, at, h.after)
		if m.kind == kindCommit || m.kind == kindPass {
			at = m.position
		}
	}
	return data, len(messages)
}

func appendHeader(b []byte, h header) []byte {
	flags := byte(0)
	if h.generation != "" {
		flags |= flagGeneration
	}
	b = append(b, magicBatch, version, flags)
	b = binary.BigEndian.AppendUint64(b, h.server)
	for _, n := range []uint64{h.term.Lead, h.term.Stream, h.sequence, h.position, h.after} {
		b = binary.AppendUvarint(b, n)
	}
	if h.generation != "" {
		b = appendText(b, h.generation)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// append writes a message that comes after a position, in a batch whose header has a transaction.
func (m *message) append(b []byte, at, after uint64) []byte {
	b = append(b, byte(m.kind))
	switch m.kind {
	case kindCommit:
		return m.appendCommit(b, at, after)
	case kindPass:
		return binary.AppendVarint(b, int64(m.position-at))
	case kindHeed:
		return appendText(binary.AppendUvarint(b, uint64(m.table)), m.column)
	case kindLose:
	}
	return b
}

func (m *message) appendCommit(b []byte, at, after uint64) []byte {
	flags := byte(0)
	if m.everything {
		flags |= flagEverything
	}
	if m.schema {
		flags |= flagSchema
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, int64(m.position-at))
	b = binary.AppendVarint(b, int64(m.xid-after))
	b = binary.AppendUvarint(b, uint64(len(m.tables)))
	for _, table := range m.tables {
		b = binary.AppendUvarint(b, uint64(table))
	}
	b = binary.AppendUvarint(b, uint64(len(m.tags)))
	for _, tag := range m.tags {
		b = binary.BigEndian.AppendUint64(b, tag)
	}
	return b
}
