package relay

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gopgcache/pgcache/internal/freshness"
)

var (
	// errMalformed is what is said of bytes that no leader and no follower wrote.
	errMalformed = errors.New("pgcache: a message of the relay is malformed")
	// errVersion is what is said of those that another version of pgcache wrote.
	errVersion = errors.New("pgcache: a message of the relay has another version")
)

// reader takes numbers and texts from bytes. After the first that is not there it gives zeros, and ok is false.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.bad = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) fixed() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	n := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return n
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) varint() uint64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return uint64(n)
}

// count is a number of things that take at least some bytes each, so there is room for them.
func (r *reader) count(each int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/each) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) oid() uint32 {
	n := r.uvarint()
	if n > 1<<32-1 {
		r.fail()
	}
	return uint32(n)
}

func (r *reader) text() string {
	n := r.count(1)
	text := string(r.rest[:n])
	r.rest = r.rest[n:]
	return text
}

func (r *reader) fail() { r.rest, r.bad = nil, true }

// open takes the first bytes.
func (r *reader) open(magic byte) error {
	switch {
	case r.byte() != magic || r.bad:
		return errMalformed
	case r.byte() != version:
		return errVersion
	}
	return nil
}

// decode reads a batch.
func decode(data []byte) (batch, error) {
	r := &reader{rest: data}
	if err := r.open(magicBatch); err != nil {
		return batch{}, err
	}
	var b batch
	flags := r.byte()
	b.server = r.fixed()
	for _, place := range []*uint64{&b.term.Lead, &b.term.Stream, &b.sequence, &b.position, &b.after} {
		*place = r.uvarint()
	}
	if flags&flagGeneration != 0 {
		b.generation = r.text()
	}
	if flags&^flagGeneration != 0 || b.position > maxPosition {
		return batch{}, errMalformed
	}
	for at := b.position; len(r.rest) > 0; {
		m, err := r.message(at, b.after)
		if err != nil {
			return batch{}, err
		}
		if m.kind == kindCommit || m.kind == kindPass {
			at = m.position
		}
		b.messages = append(b.messages, m)
	}
	if r.bad {
		return batch{}, errMalformed
	}
	return b, nil
}

// maxPosition is past every position that there can be: the tracker has uses for those beyond.
const maxPosition = 1<<62 - 1

// message reads a message that comes after a position.
func (r *reader) message(at, after uint64) (message, error) {
	m := message{kind: kind(r.byte())}
	switch m.kind {
	case kindCommit:
		r.commit(&m, at, after)
	case kindPass:
		m.position = at + r.varint()
	case kindHeed:
		m.table, m.column = r.oid(), r.text()
	case kindLose:
	default:
		return m, fmt.Errorf("%w: it has the kind %d", errMalformed, m.kind)
	}
	if r.bad || m.position > maxPosition {
		return m, errMalformed
	}
	return m, nil
}

func (r *reader) commit(m *message, at, after uint64) {
	flags := r.byte()
	if flags&^(flagEverything|flagSchema) != 0 {
		r.fail()
	}
	m.everything, m.schema = flags&flagEverything != 0, flags&flagSchema != 0
	m.position = at + r.varint()
	m.xid = after + r.varint()
	if n := r.count(1); n > 0 {
		m.tables = make([]uint32, n)
		for i := range m.tables {
			m.tables[i] = r.oid()
		}
	}
	if n := r.count(8); n > 0 {
		m.tags = make([]freshness.Tag, n)
		for i := range m.tags {
			m.tags[i] = r.fixed()
		}
	}
}
