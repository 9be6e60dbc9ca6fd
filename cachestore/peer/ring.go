package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/golang/groupcache/consistenthash"
)

// replicas is how many points each peer has on the ring. With so many, the shares of three peers differ by about a tenth.
const replicas = 160

// ring says who owns which key. It is immutable.
//
// Invariant: rings with the same URLs are the same in every process and every version of this protocol.
type ring struct {
	urls  []string // sorted
	sum   uint64   // tells rings apart
	hash  *consistenthash.Map
	peers map[string]*peer // by URL, all but this process
}

func newRing(urls []string) *ring {
	urls = slices.Compact(slices.Sorted(slices.Values(urls)))
	r := &ring{urls: urls, hash: consistenthash.New(replicas, point), peers: make(map[string]*peer, len(urls))}
	r.hash.Add(urls...)
	h := sha256.New()
	for _, url := range urls {
		h.Write(appendBytes(nil, url))
	}
	r.sum = binary.BigEndian.Uint64(h.Sum(nil))
	return r
}

// point is where on the ring something is. CRC-32, which groupcache would take, bunches names that differ in a digit.
func point(data []byte) uint32 {
	sum := sha256.Sum256(data)
	return binary.BigEndian.Uint32(sum[:])
}

// placeSize is how many bytes of a key say who owns it, at most: what comes after them is the version of the answer, which may not
// be the same in all processes at the same moment. Whoever owns one version owns all, and has what the next is made of.
const placeSize = 32

// place is the part of a key that says who owns it.
func place(key string) string { return key[:min(placeSize, len(key))] }

// owner is the URL of the peer that owns the key.
func (r *ring) owner(key string) string { return r.hash.Get(place(key)) }

// standIn is the URL of the peer that makes the answer while the owner of the key can't: another one, if there is another, and
// the same in every process that has the same ring. Those of one owner's keys are spread over all the rest.
func (r *ring) standIn(key string) string {
	owner := r.owner(key)
	for n := range byte(64) { // each tells at random, so that 64 are enough
		if url := r.hash.Get(place(key) + string([]byte{n})); url != owner {
			return url
		}
	}
	return owner
}
