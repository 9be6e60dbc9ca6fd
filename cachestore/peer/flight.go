package peer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/golang/groupcache"
)

// flight is one way to an answer, which everybody who wants the same key waits for. groupcache has flights of its own, but who
// waits for those can't leave, and its leader's context is everybody's; so each of them has one of these before it, which
// goes on by itself.
type flight struct {
	call  Call
	done  chan struct{}
	value []byte // the time when it was made, then the answer; never changed
	keep  bool
	err   error

	peeking bool
}

type flightKey struct{}

func flightOf(ctx context.Context) *flight { return ctx.Value(flightKey{}).(*flight) }

// keyPrefix is the length of what comes before the caller's key in groupcache.
const keyPrefix = 1 + 8

func (f *Fleet) keyOn(side byte, key string) string {
	b := binary.BigEndian.AppendUint64(append(make([]byte, 0, keyPrefix+len(key)), side), f.number)
	return string(append(b, key...))
}

// fly waits for the flight of a key, and starts it if there is none. Its errors are those of ctx as they are, or the flight's.
func (f *Fleet) fly(ctx context.Context, side byte, call Call) (*flight, error) {
	fl, err := f.launch(ctx, side, call)
	if err != nil {
		return nil, err
	}
	select {
	case <-fl.done:
		return fl, fl.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// launch returns the flight of a key, and starts it if there is none.
func (f *Fleet) launch(ctx context.Context, side byte, call Call) (*flight, error) {
	call.Patience = orElse(call.Patience, f.config.Patience)
	key := f.keyOn(side, call.Key)
	fl, mine := f.join(key, &call)
	if fl == nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, errClosed)
	}
	if mine && (side == far || !f.peek(key, fl)) {
		go f.run(ctx, key, fl)
	}
	return fl, nil
}

// join returns the flight of a key. mine tells that there was none, and that it is now the caller's to see to its end. A closed
// Fleet has none.
func (f *Fleet) join(key string, call *Call) (fl *flight, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.flights[key]; fl != nil {
		return fl, false
	}
	if f.closed {
		return nil, false
	}
	fl = &flight{call: *call, done: make(chan struct{})}
	f.flights[key] = fl
	f.work.Add(1)
	return fl, true
}

// errPeek ends a look into groupcache that is to wait for nothing.
var errPeek = errors.New("not in the cache")

// peek ends a flight at once if groupcache has its answer, which spares a change of goroutines on every hit of a peer.
//
// Invariant: only the one who has started the flight of a key is in groupcache for it, so nobody there can wait for a peek, and
// a peek can wait for nobody.
func (f *Fleet) peek(key string, fl *flight) bool {
	fl.peeking = true
	var view groupcache.ByteView
	err := f.slot.group.Get(context.WithValue(context.Background(), flightKey{}, fl), key, groupcache.ByteViewSink(&view))
	fl.peeking = false
	if err != nil {
		return false
	}
	fl.value, fl.keep = view.ByteSlice(), true
	f.stats.hits.Add(1)
	f.land(key, fl)
	f.work.Done()
	return true
}

// run goes through groupcache to the answer. The context of who started it gives its values, not its end.
func (f *Fleet) run(ctx context.Context, key string, fl *flight) {
	defer f.work.Done()
	defer f.land(key, fl)
	patience := fl.call.Patience
	if key[0] == far {
		patience += f.config.Timeout // the owner's patience starts later and has to end first
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	defer context.AfterFunc(f.life, cancel)()

	var view groupcache.ByteView
	err := f.slot.group.Get(context.WithValue(ctx, flightKey{}, fl), key, groupcache.ByteViewSink(&view))
	switch {
	case fl.value != nil: // made just now, kept or not
		fl.err = nil
	case err != nil:
		fl.err = err
	default:
		fl.value, fl.keep = view.ByteSlice(), true
		f.stats.hits.Add(1)
	}
}

// land ends a flight: the next one can start before those who waited for this one are told.
func (f *Fleet) land(key string, fl *flight) {
	if p := recover(); p != nil {
		f.config.Logger.Error("pgcache: peer: a flight panicked", "panic", p)
		fl.value, fl.err = nil, fmt.Errorf("%w: %w", ErrUnavailable, errPanicked)
	}
	f.mu.Lock()
	delete(f.flights, key)
	f.mu.Unlock()
	close(fl.done)
}

// fill runs the Fill. It has a goroutine of its own, because groupcache never gets over a getter that panics or exits, and so
// that a Fill that overstays its context holds up nobody.
func (f *Fleet) fill(ctx context.Context, request []byte) (Filled, error) {
	type result struct {
		filled Filled
		err    error
	}
	done := make(chan result, 1)
	f.work.Go(func() { // within a flight, which is counted already
		r := result{err: errPanicked} // stays so if Fill panics or exits
		defer func() {
			if p := recover(); p != nil {
				f.config.Logger.Error("pgcache: peer: a fill panicked", "panic", p)
			}
			done <- r
		}()
		f.stats.fills.Add(1)
		filled, err := f.config.Fill(ctx, request)
		r = result{filled, err}
	})
	select {
	case r := <-done:
		if r.err == nil || ctx.Err() == nil {
			return r.filled, r.err
		}
	case <-ctx.Done():
	}
	// The caller's own context may be fine, so the error must not look as if it had ended.
	if f.life.Err() != nil {
		return Filled{}, fmt.Errorf("%w: %w", ErrUnavailable, errClosed)
	}
	return Filled{}, fmt.Errorf("%w: %w", ErrUnavailable, errOverdue)
}

// rested is the age of a flight's answer.
func (fl *flight) rested() time.Duration { return max(clock()-bornOf(fl.value), 0) }
