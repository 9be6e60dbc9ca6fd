package peer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/golang/groupcache"
	"github.com/golang/groupcache/groupcachepb"
)

// slot is a group of groupcache, and the Fleet that has it now. Groups can't be removed, so they are used again.
//
// The keys of a group begin with a side: near ones are made here, for whoever asks, and never ask a peer; far ones ask their
// owner and are never made here. So a request of a peer can't be forwarded, whatever the rings say, and one bound holds for both.
// The number of the Fleet comes next, so that none finds what another has left.
type slot struct {
	group *groupcache.Group
	bytes int64
	fleet atomic.Pointer[Fleet]
}

const (
	near = 'n'
	far  = 'f'
)

var slots struct {
	mu         sync.Mutex
	registered bool
	taken      error // set when somebody else has the picker
	byName     map[string]*slot
	free       []*slot
}

// takeSlot gives a Fleet a group with the bound that it wants.
func takeSlot(f *Fleet, bytes int64) (*slot, error) {
	slots.mu.Lock()
	defer slots.mu.Unlock()
	if err := register(); err != nil {
		return nil, err
	}
	for i, s := range slots.free {
		if s.bytes == bytes {
			slots.free = append(slots.free[:i], slots.free[i+1:]...)
			s.fleet.Store(f)
			return s, nil
		}
	}
	s := &slot{bytes: bytes}
	s.fleet.Store(f)
	name := fmt.Sprintf("pgcache/peer#%d", len(slots.byName)+1)
	if groupcache.GetGroup(name) != nil {
		return nil, fmt.Errorf("%w: the groupcache group %q is somebody else's", ErrCollision, name)
	}
	slots.byName[name] = s
	s.group = groupcache.NewGroup(name, bytes, groupcache.GetterFunc(s.get))
	return s, nil
}

func (s *slot) release() {
	slots.mu.Lock()
	defer slots.mu.Unlock()
	s.fleet.Store(nil)
	slots.free = append(slots.free, s)
}

// register tells groupcache once who picks peers for its groups. groupcache panics when somebody has told it before.
func register() (err error) {
	if slots.registered || slots.taken != nil {
		return slots.taken
	}
	defer func() {
		if p := recover(); p != nil {
			slots.taken = fmt.Errorf("%w: groupcache allows one peer picker in a process, and something else has registered one, "+
				"by groupcache.NewHTTPPool, RegisterPeerPicker or RegisterPerGroupPeerPicker (groupcache: %v)", ErrCollision, p)
			err = slots.taken
		}
	}()
	groupcache.RegisterPerGroupPeerPicker(pickerOf)
	slots.registered, slots.byName = true, map[string]*slot{}
	return nil
}

// pickerOf is asked once per group, at its first Get. Groups that aren't ours have no peers.
func pickerOf(group string) groupcache.PeerPicker {
	slots.mu.Lock()
	defer slots.mu.Unlock()
	if s := slots.byName[group]; s != nil {
		return s
	}
	return nil
}

// PickPeer is called by groupcache for a key that it doesn't have.
func (s *slot) PickPeer(key string) (groupcache.ProtoGetter, bool) {
	f := s.fleet.Load()
	if f == nil || key[0] != far {
		return nil, false
	}
	p := f.asked(key[keyPrefix:])
	if p == nil {
		return nil, false // the ring has changed, and the key is ours now
	}
	return p, true
}

// errNotKept ends a flight whose answer must not be cached: groupcache caches whatever comes without an error. The answer is in
// the flight.
var errNotKept = errors.New("the answer is not to be kept")

// get is called by groupcache for near keys, and for far ones when the owner gave no answer.
func (s *slot) get(ctx context.Context, key string, dest groupcache.Sink) error {
	fl := flightOf(ctx)
	if key[0] == far {
		if fl.err == nil {
			fl.err = ErrOwn
		}
		return fl.err
	}
	if fl.peeking {
		return errPeek
	}
	f := s.fleet.Load()
	filled, err := f.fill(ctx, fl.call.Request)
	if err != nil {
		return err
	}
	fl.value = make([]byte, stampSize+len(filled.Bytes))
	copy(fl.value[stampSize:], filled.Bytes)
	stamp(fl.value, filled.At.Sub(started))
	if fl.keep = filled.Keep && int64(len(filled.Bytes)) <= f.config.MaxEntry; !fl.keep {
		return errNotKept
	}
	return dest.SetBytes(fl.value)
}

// Get is called by groupcache to ask the peer. The flight that is in ctx has the request.
func (p *peer) Get(ctx context.Context, _ *groupcachepb.GetRequest, out *groupcachepb.GetResponse) (err error) {
	fl := flightOf(ctx)
	defer func() {
		if r := recover(); r != nil { // groupcache would never get over it
			p.fleet.config.Logger.Error("pgcache: asking a peer panicked", "peer", p.url, "panic", r)
			fl.value, fl.err = nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, p.url, errPanicked)
			err = fl.err
		}
	}()
	value, keep, err := p.fetch(ctx, &fl.call)
	if err != nil {
		// As text: a deadline among the reasons is none of the caller's.
		fl.err = fmt.Errorf("%w: %s: %v", ErrUnavailable, p.url, err) //nolint:errorlint // see above
		return fl.err
	}
	fl.value, fl.keep = value, keep
	if !keep {
		fl.err = errNotKept
		return fl.err
	}
	out.Value = value
	return nil
}
