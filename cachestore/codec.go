package cachestore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/gopgcache/pgcache/internal/rowset"
)

// ErrCorrupt is the error for bytes that are not an encoded Entry of this version. It is wrapped with what is wrong.
var ErrCorrupt = errors.New("pgcache: not an encoded entry")

// FormatVersion is that of the encoding. Stores that programs of several versions share put it into their keys, so that each
// finds only what it can read.
const FormatVersion = 1

// An encoded Entry, all integers big-endian:
//
//	version   1 byte
//	packing   1 byte: whether the body is compressed
//	checksum  4 bytes, CRC-32C of all that follows
//	age       8 bytes, nanoseconds: how old the result was when it was encoded
//	body      the rest, perhaps compressed with S2:
//	            position (8), cost (8), keep (8), nanoseconds each of the last two
//	            tags       4 bytes: how many, 8 bytes each
//	            statement  length (4) and text
//	            arguments  length (4) and text
//	            rows       the rest: a row set as package rowset encodes it, with a checksum of its own
const (
	encodedHeader = 1 + 1 + 4
	encodedAge    = 8
	leastBody     = 8 + 8 + 8 + 4 + 4 + 4

	packedNot = 0
	packedS2  = 1

	// packFrom is the size from which a body is compressed, in bytes.
	packFrom = 1 << 10
	// mostBody bounds what a body may claim to be when it is unpacked: no entry is larger than PostgreSQL's largest value.
	mostBody = 1<<30 + 1<<20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encodable reports whether another process could read the entry. See [rowset.Set.Encodable].
func (e *Entry) Encodable() bool { return e.common.layout != nil && e.Rows().Encodable() }

// AppendEncoded appends the entry, in a form that another process can read, to dst. Its age counts up to now. An entry that is
// not Encodable must not be given.
func (e *Entry) AppendEncoded(dst []byte, now time.Time) []byte {
	body := e.appendBody(nil)
	packing := byte(packedNot)
	if len(body) >= packFrom {
		if packed := s2.Encode(nil, body); len(packed) < len(body) {
			body, packing = packed, packedS2
		}
	}
	start := len(dst)
	dst = append(dst, FormatVersion, packing, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint64(dst, uint64(max(now.Sub(e.ReadAt()), 0)))
	dst = append(dst, body...)
	binary.BigEndian.PutUint32(dst[start+2:], crc32.Checksum(dst[start+encodedHeader:], castagnoli))
	return dst
}

func (e *Entry) appendBody(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, e.position)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.cost))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.keep))
	tags := e.Tags()
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(tags)))
	for _, tag := range tags {
		dst = binary.BigEndian.AppendUint64(dst, tag)
	}
	dst = appendText(dst, e.Statement())
	dst = appendText(dst, e.Arguments())
	return e.Rows().AppendEncoded(dst)
}

func appendText(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}

// DecodeEntry reads what AppendEncoded wrote, and marks the entry as Foreign. rested is how long ago that was, as far as the
// store can tell without comparing clocks of two machines: the entry's ReadAt comes from its age then, rested and now. It copies
// what it keeps of src and checks every length. The error wraps [ErrCorrupt].
func DecodeEntry(src []byte, rested time.Duration, now time.Time) (*Entry, error) {
	if len(src) < encodedHeader+encodedAge {
		return nil, corrupt("%d bytes are too few", len(src))
	}
	if src[0] != FormatVersion {
		return nil, corrupt("version %d is not %d", src[0], FormatVersion)
	}
	if crc32.Checksum(src[encodedHeader:], castagnoli) != binary.BigEndian.Uint32(src[2:]) {
		return nil, corrupt("checksum does not match")
	}
	age := time.Duration(binary.BigEndian.Uint64(src[encodedHeader:]))
	if age < 0 {
		return nil, corrupt("an age that is no duration")
	}
	body, err := unpack(src[1], src[encodedHeader+encodedAge:])
	if err != nil {
		return nil, err
	}
	c, err := decodeBody(body)
	if err != nil {
		return nil, err
	}
	c.ReadAt, c.Foreign = now.Add(-age-max(rested, 0)), true
	return NewEntry(c), nil
}

func unpack(packing byte, body []byte) ([]byte, error) {
	switch packing {
	case packedNot:
		return body, nil
	case packedS2:
		if n, err := s2.DecodedLen(body); err != nil || n > mostBody {
			return nil, corrupt("it unpacks to %d bytes", n)
		}
		unpacked, err := s2.Decode(nil, body)
		if err != nil {
			return nil, corrupt("it can't be unpacked: %v", err)
		}
		return unpacked, nil
	default:
		return nil, corrupt("packing %d is not known", packing)
	}
}

func decodeBody(src []byte) (Content, error) {
	if len(src) < leastBody {
		return Content{}, corrupt("a body of %d bytes is too short", len(src))
	}
	c := Content{
		Position: binary.BigEndian.Uint64(src),
		Cost:     time.Duration(binary.BigEndian.Uint64(src[8:])),
		Keep:     time.Duration(binary.BigEndian.Uint64(src[16:])),
	}
	count := uint64(binary.BigEndian.Uint32(src[24:]))
	src = src[28:]
	if count > uint64(len(src)/8) {
		return Content{}, corrupt("%d tags don't fit into %d bytes", count, len(src))
	}
	c.Tags = make([]uint64, count)
	for i := range c.Tags {
		c.Tags[i] = binary.BigEndian.Uint64(src[8*i:])
	}
	statement, src, ok := cutText(src[8*count:])
	if !ok {
		return Content{}, corrupt("ends within the statement")
	}
	if c.Arguments, src, ok = cutText(src); !ok {
		return Content{}, corrupt("ends within the arguments")
	}
	rows, err := rowset.Decode(src)
	if err != nil {
		return Content{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	c.Statement, c.Rows = NewStatement(statement, nil), rows
	return c, nil
}

func cutText(src []byte) (text string, rest []byte, ok bool) {
	if len(src) < 4 {
		return "", nil, false
	}
	n := uint64(binary.BigEndian.Uint32(src))
	if src = src[4:]; n > uint64(len(src)) {
		return "", nil, false
	}
	return string(src[:n]), src[n:], true
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}
