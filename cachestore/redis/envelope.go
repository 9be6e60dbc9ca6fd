package redis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"
)

// A value, all integers big-endian:
//
//	version   1 byte: layoutVersion
//	sealing   1 byte: whether the body is sealed
//	life      8 bytes, milliseconds: how much of its life the entry had before it when it was encoded
//	epoch     26 bytes: the bucket's epoch that it was put under
//	checksum  4 bytes, CRC-32C of the key and of all of the above
//	body      the rest: the encoded entry; if sealed, a nonce (12) and AES-256-GCM over it, with the key and all of the above
//	          as additional data
//
// Without a key the body has the checksum of package cachestore, with one it is authenticated.
const (
	epochBytes    = 26 // as rand.Text makes them
	lifeAt        = 2
	epochAt       = lifeAt + 8
	checksumAt    = epochAt + epochBytes
	envelopeBytes = checksumAt + 4

	sealedNot = 0
	sealedGCM = 1
)

var errDamaged = errors.New("pgcache: not a value of this store")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// envelope puts encoded entries into values and takes them out again.
type envelope struct {
	aead cipher.AEAD // nil: values aren't sealed
}

// newEnvelope returns an envelope for a key of 32 bytes, or for none.
func newEnvelope(key []byte) (envelope, error) {
	if key == nil {
		return envelope{}, nil
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return envelope{}, err
	}
	aead, err := cipher.NewGCM(block)
	return envelope{aead: aead}, err
}

// wrap returns the value that is to be stored under the Redis key.
func (e envelope) wrap(key string, encoded []byte, life time.Duration, epoch string) []byte {
	value := make([]byte, envelopeBytes, envelopeBytes+len(encoded)+64)
	value[0] = layoutVersion
	binary.BigEndian.PutUint64(value[lifeAt:], uint64(life.Milliseconds()))
	copy(value[epochAt:checksumAt], epoch)
	if e.aead != nil {
		value[1] = sealedGCM
	}
	binary.BigEndian.PutUint32(value[checksumAt:], headSum(key, value))
	if e.aead == nil {
		return append(value, encoded...)
	}
	at := len(value)
	value = value[:at+e.aead.NonceSize()]
	_, _ = rand.Read(value[at:]) // never fails
	return e.aead.Seal(value, value[at:], encoded, associated(key, value[:envelopeBytes]))
}

// unwrap gives back what wrap was given, or errDamaged.
func (e envelope) unwrap(key string, value []byte) (encoded []byte, life time.Duration, epoch string, err error) {
	sealing := byte(sealedNot)
	if e.aead != nil {
		sealing = sealedGCM
	}
	if len(value) < envelopeBytes || value[0] != layoutVersion || value[1] != sealing ||
		binary.BigEndian.Uint32(value[checksumAt:]) != headSum(key, value) {
		return nil, 0, "", errDamaged
	}
	encoded = value[envelopeBytes:]
	if e.aead != nil {
		if encoded, err = e.open(key, value[:envelopeBytes], encoded); err != nil {
			return nil, 0, "", errDamaged
		}
	}
	life = time.Duration(binary.BigEndian.Uint64(value[lifeAt:])) * time.Millisecond
	return encoded, life, string(value[epochAt:checksumAt]), nil
}

func (e envelope) open(key string, head, body []byte) ([]byte, error) {
	n := e.aead.NonceSize()
	if len(body) < n {
		return nil, errDamaged
	}
	return e.aead.Open(nil, body[:n], body[n:], associated(key, head))
}

// headSum is the checksum of a value's head, which also ties it to its key.
func headSum(key string, value []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, value[:checksumAt])
}

// associated is the additional data of a sealed body. The head has a fixed length, so it's clear where the key starts.
func associated(key string, head []byte) []byte {
	return append(append(make([]byte, 0, len(head)+len(key)), head...), key...)
}
