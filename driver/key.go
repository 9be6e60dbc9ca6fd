package driver

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"

	"github.com/gopgcache/pgcache/cachestore"
	"github.com/gopgcache/pgcache/driver/internal/argument"
)

// material is the part of the key material that is a request's own: what all requests of its statement have in common is in the
// verdict. It moves with the request it is in, and is not changed once it is made.
type material struct {
	size int
	args int // where the arguments begin
	room [materialRoom]byte
	long []byte // where the room is too small
}

// materialRoom is enough for two numbers and a short text: then a hit needs no memory for it.
const materialRoom = 48

func (m *material) set(b []byte) {
	if len(b) > materialRoom {
		m.long = bytes.Clone(b)
		return
	}
	m.size, m.long = copy(m.room[:], b), nil
}

func (m *material) bytes() []byte {
	if m.long != nil {
		return m.long
	}
	return m.room[:m.size]
}

// makeKey computes the key. It reports false for arguments that can't be told apart, which are not cached.
func (r *request) makeKey(c *Conn) bool {
	args, mode, ok := argument.Plain(r.args)
	if !ok {
		return false
	}
	if r.stmt != nil || c.prepared[r.text.sql] > 0 {
		mode = argument.Prepared
	}
	var room [2 * materialRoom]byte
	b := r.settings.appendTo(room[:0], r.verdict.settings)
	b = argument.AppendText(append(b, byte(mode)), r.wishes.key)
	begin := len(b)
	if b, ok = argument.Append(b, args); !ok {
		return false
	}
	r.arguments.set(b)
	r.arguments.args = begin
	if c.cache.memory != nil {
		r.key = nearKey(&r.verdict.digest, b)
	} else {
		r.key = r.commonKey()
	}
	return true
}

// saysTheSame tells whether the arguments are still those of which the key was made, after they were sent. What is of a type of the
// caller's was asked for its value twice by then, as by pgx.
func (r *request) saysTheSame() bool {
	args, _, _ := argument.Plain(r.args)
	if !argument.Asked(args) {
		return true
	}
	again, ok := argument.Append(nil, args)
	return ok && bytes.Equal(again, r.arguments.bytes()[r.arguments.args:])
}

// commonKey is the key that all processes have for the entry, wherever it is kept: the hash of all of its material.
func (r *request) commonKey() cachestore.Key {
	var room [256]byte
	return sha256.Sum256(append(append(room[:0], r.verdict.digest[:]...), r.arguments.bytes()...))
}

// nearKey is a key that only this process has for the entry. What is found under it is compared with the whole of the material
// before it is used, so the key need not prove anything, and a hash with a seed that nobody knows does for it: SHA-256 would be
// the most expensive thing in a hit.
func nearKey(digest *[sha256.Size]byte, arguments []byte) cachestore.Key {
	key := cachestore.Key(*digest)
	own := binary.LittleEndian.Uint64(key[:]) ^ maphash.Bytes(nearSeed, arguments)
	binary.LittleEndian.PutUint64(key[:], own)
	return key
}

var nearSeed = maphash.MakeSeed()
