package peer

import (
	"sync"
	"time"
)

const (
	// window is how far the time of a request may be from the clock here, either way.
	window = 30 * time.Second
	// mostNonces bounds how many are remembered: about 8 MB.
	mostNonces = 1 << 17
)

type nonce [16]byte

// freshness of a request that bears the right MAC.
type requestAge int

const (
	ageFresh requestAge = iota
	ageReplayed
	ageOutOfTime
)

// nonces remembers the requests that were taken, so that none is taken twice.
//
// Invariant: a request is taken only if its time is past the floor, and every nonce taken with such a time is remembered. So
// forgetting, which lifts the floor, can only refuse what is fresh, never take what is not.
type nonces struct {
	mu      sync.Mutex
	floor   int64                        // milliseconds: what is not past it has been forgotten
	seconds map[int64]map[nonce]struct{} // by the second of the request's time
	count   int
	most    int
}

// newNonces starts at now: what was taken before the process began is not known, so nothing that old is taken.
func newNonces(now time.Time, most int) *nonces {
	return &nonces{floor: now.UnixMilli() - 1, seconds: map[int64]map[nonce]struct{}{}, most: most}
}

// take judges a request made at the given time, in milliseconds, and remembers it if it is fresh.
func (n *nonces) take(id nonce, made int64, now time.Time) requestAge {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forget(now.Add(-window).UnixMilli() - 1)
	if made <= n.floor || made > now.Add(window).UnixMilli() {
		return ageOutOfTime
	}
	second := n.seconds[made/1000]
	if _, known := second[id]; known {
		return ageReplayed
	}
	if second == nil {
		second = map[nonce]struct{}{}
		n.seconds[made/1000] = second
	}
	second[id] = struct{}{}
	n.count++
	for n.count > n.most {
		n.forgetOldest()
	}
	return ageFresh
}

// forget drops all that the time window refuses anyway.
func (n *nonces) forget(floor int64) {
	if floor <= n.floor {
		return
	}
	if floor/1000 != n.floor/1000 {
		for second, ids := range n.seconds {
			if second*1000+999 <= floor {
				n.count -= len(ids)
				delete(n.seconds, second)
			}
		}
	}
	n.floor = floor
}

func (n *nonces) forgetOldest() {
	oldest, first := int64(0), true
	for second := range n.seconds {
		if first || second < oldest {
			oldest, first = second, false
		}
	}
	n.count -= len(n.seconds[oldest])
	delete(n.seconds, oldest)
	n.floor = max(n.floor, oldest*1000+999)
}
