package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Fleet is this process as one of several that share their work. All methods are safe for concurrent use.
type Fleet struct {
	config    Config
	number    uint64   // tells the Fleets of this process apart
	group     [16]byte // the group's name on the wire
	keys      *keys
	transport *http.Transport
	roundTrip http.RoundTripper // the transport, but for tests
	endpoint  *endpoint
	slot      *slot
	ring      atomic.Pointer[ring]
	stats     counters
	streams   sync.Map // path → http.Handler

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup // every goroutine and every request being served

	mu      sync.Mutex
	closed  bool
	flights map[string]*flight
}

// Call is a question for the owner of a key.
type Call struct {
	// Key names the answer, its version included. At most 1 KiB. The first 32 bytes say who owns it, so what is the same in
	// all versions comes first.
	Key string
	// Request is what the owner's Fill gets. At most 1 MiB. It must not be changed as long as the Fleet lives.
	Request []byte
	// Patience is the longest that the answer may take. Default, and at the owner the bound: its Config's.
	Patience time.Duration
}

// Answer is what Fill made of a request, here or elsewhere, now or earlier.
type Answer struct {
	// Bytes are the caller's own.
	Bytes []byte
	// Rested is how long ago the answer was made, at most: the time in the owner's cache, the way, and the time in the cache
	// here. It comes from clocks that can't be set, and not from comparing those of two machines.
	Rested time.Duration
}

var fleetCount atomic.Uint64

// Open makes this process one of a fleet: it listens, and follows the peers' name if they have one. A peer that can't be reached
// and a name that can't be looked up are no errors. Those of Open are a Config that can't be right, an address that can't be
// listened on, and [ErrCollision].
func Open(config Config) (*Fleet, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte("pgcache group " + config.Group))
	f := &Fleet{
		config: config, number: fleetCount.Add(1), group: [16]byte(sum[:]), keys: newKeys(config.Secret),
		transport: newTransport(&config), flights: map[string]*flight{},
	}
	f.roundTrip = f.transport
	f.life, f.end = context.WithCancel(context.Background())
	var err error
	if f.slot, err = takeSlot(f, config.CacheBytes); err != nil {
		f.end()
		return nil, err
	}
	f.setRing([]string{config.Self})
	if config.dnsName() == "" {
		f.setRing(config.Peers)
	} else {
		f.look()
	}
	if f.endpoint, err = enlist(f); err != nil {
		f.end()
		f.slot.release()
		return nil, err
	}
	if config.dnsName() != "" {
		f.work.Add(1)
		go f.follow()
	}
	return f, nil
}

// Fetch asks the owner of a key for its answer, or the peer that stands in for it if it has failed. The error is [ErrOwn] if the
// owner is this process, [ErrUnavailable] if there is no answer to be had, or that of ctx as it is. Everybody who asks for the
// same key at the same time shares one request; who starts it gives it its Request and its Patience.
func (f *Fleet) Fetch(ctx context.Context, call Call) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	if f.Owns(call.Key) {
		return Answer{}, ErrOwn
	}
	asked, until := f.asked(call.Key), time.Now().Add(orElse(call.Patience, f.config.Patience))
	fl, err := f.fly(ctx, far, call)
	if errors.Is(err, ErrUnavailable) && f.asked(call.Key) != asked {
		// The owner has failed just now. Who stands in for it may be at work for others already.
		if call.Patience = time.Until(until); call.Patience > 0 {
			fl, err = f.again(ctx, call, until)
		}
	}
	if err != nil {
		if errors.Is(err, ErrUnavailable) {
			f.stats.failures.Add(1)
		}
		return Answer{}, err
	}
	f.stats.fetched.Add(1)
	return fl.answer(), nil
}

// again asks once more. Who has started the flight may have more patience left than the caller, who leaves when it would have ended
// by itself otherwise.
func (f *Fleet) again(ctx context.Context, call Call, until time.Time) (*flight, error) {
	bounded, cancel := context.WithDeadline(ctx, until.Add(f.config.Timeout))
	defer cancel()
	fl, err := f.fly(bounded, far, call)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, errOverdue)
	}
	return fl, err
}

// Own gives the answer that a peer would get if it asked this process, whoever the owner is: from the cache, from the flight
// that is under way, or by a Fill. The error is that of the Fill, of ctx, or ErrUnavailable if the Fleet is closed. After an
// ErrOwn, this is the way for the owner's own callers to share a flight with those of others.
func (f *Fleet) Own(ctx context.Context, call Call) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	fl, err := f.fly(ctx, near, call)
	if err != nil {
		return Answer{}, err
	}
	return fl.answer(), nil
}

func (fl *flight) answer() Answer {
	return Answer{Bytes: bytes.Clone(fl.value[stampSize:]), Rested: fl.rested()}
}

// Owns reports whether this process is the owner of the key.
func (f *Fleet) Owns(key string) bool { return f.ring.Load().owner(key) == f.config.Self }

// asked is the peer that is asked for a key: its owner or, while that one rests, who stands in for it. It is the owner all the
// same if that would be this process, and nil if the owner is.
func (f *Fleet) asked(key string) *peer {
	r := f.ring.Load()
	owner := r.peers[r.owner(key)]
	if owner != nil && owner.rests() {
		if p := r.peers[r.standIn(key)]; p != nil {
			return p
		}
	}
	return owner
}

// makes reports whether this process makes the answer for a peer whose ring has the given sum. Who stands in for an owner does so
// only for those who have the same ring: the owner asks nobody, so that there can't be a circle of processes that wait for each
// other.
func (f *Fleet) makes(key string, sum uint64) bool {
	r := f.ring.Load()
	return r.owner(key) == f.config.Self || sum == r.sum && r.standIn(key) == f.config.Self
}

// Peers are the URLs of all processes of the fleet, this one included, in order.
func (f *Fleet) Peers() []string { return slices.Clone(f.ring.Load().urls) }

// setRing makes a ring of the URLs, in which peers that stay keep what is known of them.
func (f *Fleet) setRing(urls []string) {
	old, next := f.ring.Load(), newRing(urls)
	for _, url := range next.urls {
		if url == f.config.Self {
			continue
		}
		if old != nil && old.peers[url] != nil {
			next.peers[url] = old.peers[url]
			continue
		}
		next.peers[url] = newPeer(f, url)
	}
	f.ring.Store(next)
}

// Close leaves the fleet. Fills and fetches under way end with an error. When it returns, nothing of this Fleet runs any more.
// Closing twice is allowed.
func (f *Fleet) Close() error {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	if closed {
		f.work.Wait()
		return nil
	}
	f.end()
	err := f.endpoint.leave(f)
	f.work.Wait()
	f.transport.CloseIdleConnections()
	f.slot.release()
	if err != nil {
		return fmt.Errorf("pgcache: peer: %w", err)
	}
	return nil
}

// enter counts work that comes from outside. It reports false once the Fleet is closed.
func (f *Fleet) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.work.Add(1)
	return true
}
