package peer

import (
	"encoding/binary"
	"math"
	"time"
)

// Paths, below each peer's URL. Streams have the group and their own path after theirs.
const (
	anyVersion = "/pgcache/"
	root       = "/pgcache/1/"
	pathFetch  = root + "fetch"
	pathPing   = root + "ping"
	pathStream = root + "stream/"
)

const (
	// mostKey and mostRequest bound what a call may have, in bytes.
	mostKey     = 1 << 10
	mostRequest = 1 << 20
	// mostBody bounds the body of a request.
	mostBody = mostRequest + mostKey + 256
)

// inquiry is the body of a request for an answer.
type inquiry struct {
	group    [16]byte
	ring     uint64
	timeout  time.Duration // the asker's: how soon it wants to hear something
	patience time.Duration // how long the answer may take
	key      string
	request  []byte
}

const inquiryHeader = 16 + 8 + 8 + 8

func (q *inquiry) encode() []byte {
	b := make([]byte, 0, inquiryHeader+8+len(q.key)+len(q.request))
	b = append(b, q.group[:]...)
	b = binary.BigEndian.AppendUint64(b, q.ring)
	b = binary.BigEndian.AppendUint64(b, uint64(q.timeout))
	b = binary.BigEndian.AppendUint64(b, uint64(q.patience))
	b = appendBytes(b, q.key)
	return append(b, q.request...)
}

// parseInquiry reads what encode wrote. What it returns shares the memory of b.
func parseInquiry(b []byte) (*inquiry, bool) {
	if len(b) < inquiryHeader+4 {
		return nil, false
	}
	q := &inquiry{
		group:    [16]byte(b),
		ring:     binary.BigEndian.Uint64(b[16:]),
		timeout:  time.Duration(binary.BigEndian.Uint64(b[24:])),
		patience: time.Duration(binary.BigEndian.Uint64(b[32:])),
	}
	b = b[inquiryHeader:]
	size := binary.BigEndian.Uint32(b)
	b = b[4:]
	if q.timeout <= 0 || q.patience <= 0 || size > mostKey || uint64(size) > uint64(len(b)) || len(b)-int(size) > mostRequest {
		return nil, false
	}
	q.key, q.request = string(b[:size]), b[size:]
	return q, true
}

// outcome is what became of a request, as a peer is told.
type outcome byte

const (
	outcomeAnswer   outcome = iota
	outcomeNotOwner         // by the ring of the one who was asked
	outcomeFailed           // the fill failed, panicked, or took too long
	outcomeRefused          // the fill does not run such a request
	outcomeTooLarge         // the answer is larger than may be sent
	outcomeNoGroup          // nobody there serves the group
	outcomeMalformed
)

var outcomeTexts = map[outcome]string{
	outcomeNotOwner:  "it says it is not the owner",
	outcomeFailed:    "its fill failed",
	outcomeRefused:   "it does not run such a request",
	outcomeTooLarge:  "its answer is too large",
	outcomeNoGroup:   "it does not serve the group",
	outcomeMalformed: "it does not understand the request",
}

func (o outcome) String() string { return outcomeTexts[o] }

// answerHead comes before the bytes of an answer: outcome, whether the answer may be kept, how long it had rested in the owner's
// cache and how long before that the request had come, both as of one moment. From the last the asker knows how much of the time
// since it asked was the way there: that counts as age, and the making of the answer does not.
type answerHead struct {
	outcome outcome
	keep    bool
	rested  time.Duration
	held    time.Duration
}

const answerHeadSize = 1 + 1 + 8 + 8

func (h *answerHead) encode() []byte {
	b := make([]byte, 2, answerHeadSize)
	b[0] = byte(h.outcome)
	if h.keep {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(h.rested))
	return binary.BigEndian.AppendUint64(b, uint64(h.held))
}

func parseAnswerHead(b []byte) (answerHead, bool) {
	if len(b) < answerHeadSize || b[0] > byte(outcomeMalformed) || b[1] > 1 {
		return answerHead{}, false
	}
	h := answerHead{
		outcome: outcome(b[0]), keep: b[1] == 1,
		rested: time.Duration(binary.BigEndian.Uint64(b[2:])), held: time.Duration(binary.BigEndian.Uint64(b[10:])),
	}
	return h, h.rested >= 0 && h.held >= 0 && h.rested < math.MaxInt64/4
}

// stampSize is the size of the time that stands before the bytes of a value in groupcache.
const stampSize = 8

// stamp writes when the answer was made, on the clock of this process, in front of its bytes.
func stamp(value []byte, born time.Duration) { binary.BigEndian.PutUint64(value, uint64(born)) }

func bornOf(value []byte) time.Duration { return time.Duration(binary.BigEndian.Uint64(value)) }

// appendBytes appends s after its length, so that what follows can't be taken for a part of it.
func appendBytes(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// started is where the clock of this process begins. It has no meaning elsewhere and never jumps.
var started = time.Now()

func clock() time.Duration { return time.Since(started) }
