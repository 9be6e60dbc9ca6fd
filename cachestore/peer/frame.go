package peer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A reply is a row of frames: kind (1 byte), length of the payload (4), payload, and the MAC of the chain (32, or none when TLS
// alone guards the wire).
type kind byte

const (
	kindWorking kind = 'w' // no payload: the peer is alive and at work
	kindAnswer  kind = 'a' // the answer; the last frame
	kindData    kind = 'd' // a part of a stream
	kindEnd     kind = 'e' // the stream is complete; the last frame
	kindRefused kind = 'r' // no such stream, or its handler said no; the last frame
)

const frameHeader = 1 + 4

// frameWriter writes frames. It is not safe for concurrent use.
type frameWriter struct {
	to    io.Writer
	chain *chain
}

// inOnePiece is up to which size a frame is put together before it is written: copying it costs less than more packets.
const inOnePiece = 64 << 10

// write writes one frame, whose payload is given in parts.
func (w *frameWriter) write(k kind, parts ...[]byte) error {
	header := [frameHeader]byte{byte(k)}
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	binary.BigEndian.PutUint32(header[1:], uint32(size))
	all := append([][]byte{header[:]}, parts...)
	all = append(all, w.chain.next(all...))
	if size <= inOnePiece {
		all = [][]byte{slices.Concat(all...)}
	}
	for _, part := range all {
		if _, err := w.to.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// frameSize is the size of a frame on the wire.
func (c *chain) frameSize(payload int) int { return frameHeader + payload + c.size() }

// frameReader reads frames and believes none that is not authentic. Its errors are errForged, errTooLarge, or those of the
// reader below; one that ends early gives io.ErrUnexpectedEOF.
type frameReader struct {
	from  io.Reader
	chain *chain
	limit int64 // of a payload
}

func (r *frameReader) next() (kind, []byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r.from, header[:]); err != nil {
		return 0, nil, early(err)
	}
	size := int64(binary.BigEndian.Uint32(header[1:]))
	if size > r.limit {
		return 0, nil, fmt.Errorf("%w: %d bytes", errTooLarge, size)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r.from, payload); err != nil {
		return 0, nil, early(err)
	}
	if r.chain != nil {
		var mac [sha256.Size]byte
		if _, err := io.ReadFull(r.from, mac[:]); err != nil {
			return 0, nil, early(err)
		}
		if !hmac.Equal(mac[:], r.chain.next(header[:], payload)) {
			return 0, nil, errForged
		}
	}
	return kind(header[0]), payload, nil
}

func early(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
