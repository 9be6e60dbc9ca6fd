package advice

import "time"

// Ladder are the times to live that are tried, shortest first.
var Ladder = [...]time.Duration{time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour}

const rungs = len(Ladder)

// tick is the time in which ages are counted: in 32 bits it reaches seven weeks, and then begins anew.
const tick = time.Millisecond

// kept is what would be in the cache under one key: when it was read, the hash of its row set, and where in the order of
// changes. The zero kept is nothing.
type kept struct {
	at       uint32
	hash     uint32
	position uint64
}

// young tells whether it would be there, and young enough, for a query that began at now.
func (k *kept) young(now uint32, ttl time.Duration) bool {
	return k.at != 0 && time.Duration(max(0, int32(now-k.at)))*tick < ttl
}

// lies tells whether it is another row set than what a query that began at now got. One that overlapped it says nothing.
func (k *kept) lies(now, hash uint32) bool {
	return k.hash != hash && int32(now-k.at) >= 0
}

// key is what is known of one key.
type key struct {
	plain, tracked [rungs]kept
	size           int64 // of the latest row set
}

// tally counts, in weighted queries, what a cache with one ttl would have done.
type tally struct {
	hits, lies, plainLies float64
	saved                 float64 // nanoseconds
	window                window
}

// window finds how many bytes would be held at most: what was filled within one ttl is in two windows of that length.
type window struct {
	number     int64
	now, last  float64
	peak       float64
	everFilled bool
}

func (w *window) add(at, ttl time.Duration, bytes float64) {
	switch number := int64(at / ttl); {
	case !w.everFilled:
		w.everFilled, w.number = true, number
	case number == w.number+1:
		w.number, w.last, w.now = number, w.now, 0
	case number > w.number:
		w.number, w.last, w.now = number, 0, 0
	}
	w.now += bytes
	w.peak = max(w.peak, w.now+w.last)
}
