package peer

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strings"
	"time"
)

// protocol is the version of all that goes over the wire. It is in every path and under every MAC.
const (
	protocol   = 1
	authScheme = "Pgcache-1 "
)

// keys authenticate requests and replies, each with a key of its own that the secret is turned into, so that one can't be passed
// off as the other.
type keys struct{ request, reply []byte }

// newKeys returns nil for no secret: then TLS does it all.
func newKeys(secret []byte) *keys {
	if len(secret) == 0 {
		return nil
	}
	derive := func(label string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(label))
		return mac.Sum(nil)
	}
	return &keys{request: derive("pgcache peer 1 request"), reply: derive("pgcache peer 1 reply")}
}

// ticket is what makes a request an authentic one.
type ticket struct {
	made  int64 // milliseconds since 1970
	nonce nonce
	body  [sha256.Size]byte
	mac   [sha256.Size]byte
}

const ticketSize = 8 + 16 + 2*sha256.Size

// sign makes the ticket of a request to the peer that has the URL audience.
func (k *keys) sign(audience, method, target string, body []byte, now time.Time) *ticket {
	t := &ticket{made: now.UnixMilli(), body: sha256.Sum256(body)}
	_, _ = rand.Read(t.nonce[:]) // never fails
	copy(t.mac[:], k.macOf(audience, method, target, t))
	return t
}

// genuine reports whether somebody who has the secret made the ticket, for this request and this audience.
func (k *keys) genuine(audience, method, target string, t *ticket) bool {
	return hmac.Equal(t.mac[:], k.macOf(audience, method, target, t))
}

func (k *keys) macOf(audience, method, target string, t *ticket) []byte {
	b := make([]byte, 0, 256)
	for _, field := range []string{audience, method, target} {
		b = appendBytes(b, field)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(t.made))
	b = append(append(b, t.nonce[:]...), t.body[:]...)
	mac := hmac.New(sha256.New, k.request)
	mac.Write(b)
	return mac.Sum(nil)
}

// header is the value of the Authorization header.
func (t *ticket) header() string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, ticketSize), uint64(t.made))
	b = append(append(append(b, t.nonce[:]...), t.body[:]...), t.mac[:]...)
	return authScheme + base64.RawStdEncoding.EncodeToString(b)
}

func parseTicket(header string) (*ticket, bool) {
	text, found := strings.CutPrefix(header, authScheme)
	if !found || len(text) != base64.RawStdEncoding.EncodedLen(ticketSize) {
		return nil, false
	}
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, false
	}
	t := &ticket{made: int64(binary.BigEndian.Uint64(b))}
	b = b[8:]
	b = b[copy(t.nonce[:], b):]
	b = b[copy(t.body[:], b):]
	copy(t.mac[:], b)
	return t, true
}

// chain authenticates the frames of one reply, each together with those before it and with the request. A nil chain, for when
// TLS does it, has no MACs.
type chain struct {
	mac  hash.Hash
	last []byte
}

func (k *keys) chain(request *ticket) *chain {
	if k == nil {
		return nil
	}
	c := &chain{mac: hmac.New(sha256.New, k.reply)}
	c.next(request.mac[:])
	return c
}

// next is the MAC of the next frame, which is given in parts. It is valid until it is called again.
func (c *chain) next(parts ...[]byte) []byte {
	if c == nil {
		return nil
	}
	c.mac.Reset()
	c.mac.Write(c.last)
	for _, part := range parts {
		c.mac.Write(part)
	}
	c.last = c.mac.Sum(c.last[:0])
	return c.last
}

func (c *chain) size() int {
	if c == nil {
		return 0
	}
	return sha256.Size
}
