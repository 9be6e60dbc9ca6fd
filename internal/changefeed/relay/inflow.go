package relay

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// openTimeout is how long a peer may take to say that it leads, and openAtOnce how many are asked at a time.
	openTimeout = time.Second
	openAtOnce  = 8
)

// errNobodyLeads is why there is nothing to subscribe to.
var errNobodyLeads = errors.New("pgcache: none of the peers leads the relay")

// Subscribe implements Transport: it opens the stream of whichever peer leads.
func (s *Streams) Subscribe(ctx context.Context) (Subscription, error) {
	peers := slices.Clone(s.config.Peers())
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for some := range slices.Chunk(peers, openAtOnce) {
		if found := s.openOne(ctx, some); found != nil {
			s.mu.Lock()
			s.leader = found.peer
			s.mu.Unlock()
			return found, nil
		}
	}
	return nil, errNobodyLeads
}

// openOne asks several peers at a time, and gives the stream of one that leads.
func (s *Streams) openOne(ctx context.Context, peers []string) (found *inflow) {
	opened := make(chan *inflow, len(peers))
	for _, peer := range peers {
		go func() { opened <- s.open(ctx, peer) }()
	}
	for range peers {
		switch f := <-opened; {
		case f == nil:
		case found == nil:
			found = f
		default:
			f.Close()
		}
	}
	return found
}

// inflow is a follower's end of a stream.
type inflow struct {
	peer   string
	from   io.ReadCloser
	frames chan []byte
	// ended is closed when reading has ended, with err; closing is closed to end it.
	ended, closing chan struct{}
	err            error
	once           sync.Once
}

// open opens a peer's stream, and gives nil if the peer does not lead.
func (s *Streams) open(opening context.Context, peer string) *inflow {
	// What bounds the opening does not bound the stream, which lives until it is closed.
	ctx, cancel := context.WithCancel(context.WithoutCancel(opening))
	opening, opened := context.WithTimeout(opening, openTimeout)
	defer opened()
	keep := context.AfterFunc(opening, cancel)
	from, err := s.config.Open(ctx, peer)
	if err != nil {
		cancel()
		return nil
	}
	stop := context.AfterFunc(ctx, func() { _ = from.Close() })
	reader := bufio.NewReader(from)
	if first, err := readFrame(reader); err != nil || len(first) > 0 || !keep() {
		cancel()
		return nil
	}
	f := &inflow{peer: peer, from: from, frames: make(chan []byte), ended: make(chan struct{}), closing: make(chan struct{})}
	go func() {
		defer cancel()
		defer stop()
		f.read(reader)
	}()
	return f
}

// read reads frames until there are no more.
func (f *inflow) read(reader *bufio.Reader) {
	defer close(f.ended)
	for {
		frame, err := readFrame(reader)
		if err != nil {
			f.err = err
			return
		}
		select {
		case f.frames <- frame:
		case <-f.closing:
			f.err = io.ErrClosedPipe
			return
		}
	}
}

// readFrame reads one frame.
func readFrame(reader *bufio.Reader) ([]byte, error) {
	size, err := binary.ReadUvarint(reader)
	if err != nil {
		return nil, err
	}
	if size > streamLimit {
		return nil, fmt.Errorf("%w: it has %d bytes", errMalformed, size)
	}
	frame := make([]byte, size)
	_, err = io.ReadFull(reader, frame)
	return frame, err
}

// Receive implements Subscription.
func (f *inflow) Receive(ctx context.Context) ([]byte, error) {
	select {
	case frame := <-f.frames:
		return frame, nil
	case <-f.ended:
		return nil, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close implements Subscription.
func (f *inflow) Close() {
	f.once.Do(func() {
		close(f.closing)
		_ = f.from.Close()
		<-f.ended
	})
}
