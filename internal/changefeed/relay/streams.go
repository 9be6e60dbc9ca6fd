package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

const (
	// streamLimit is how large a batch may be that goes through a stream.
	streamLimit = 256 << 10
	// maxBehind is how many bytes a follower may be behind before it has to begin again.
	maxBehind = 8 << 20
)

var (
	// ErrNotLeading is what a process says that is asked for what only a leader has.
	ErrNotLeading = errors.New("pgcache: this process does not lead the relay")
	// ErrBehind is why a follower's stream ends that was read too slowly.
	ErrBehind = errors.New("pgcache: a follower of the relay is too far behind")
)

// StreamConfig is how the processes of a fleet reach each other.
type StreamConfig struct {
	// Peers are the addresses of the fleet's processes; this process may be among them.
	Peers func() []string
	// Open opens the stream that a peer's Serve writes. It fails if the peer refuses.
	Open func(ctx context.Context, peer string) (io.ReadCloser, error)
	// Send hands a request to a peer's Take.
	Send func(ctx context.Context, peer string, request []byte) error
}

// Streams is a Transport among the processes themselves: whoever leads serves a stream to each of the others. It is about
// bytes only; whoever connects it to a network says who may open a stream and send requests, and bounds how long a write may
// take.
type Streams struct {
	config StreamConfig

	mu      sync.Mutex
	outlets map[*outlet]struct{}
	// take gets requests while this process leads.
	take func(request []byte)
	// leader is the peer that was found leading last.
	leader string
}

var _ Transport = (*Streams)(nil)

// NewStreams makes the transport of one process.
func NewStreams(config StreamConfig) *Streams {
	return &Streams{config: config, outlets: make(map[*outlet]struct{})}
}

// Traits implements Transport.
func (s *Streams) Traits() Traits { return Traits{Limit: streamLimit} }

// outlet is where one follower's stream comes out of the leader.
type outlet struct {
	mu    sync.Mutex
	queue [][]byte
	bytes int
	err   error
	more  chan struct{}
}

// put queues a frame. One who is too far behind gets no more.
func (o *outlet) put(frame []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes += len(frame); o.bytes > maxBehind {
		o.err, o.queue = ErrBehind, nil
	} else {
		o.queue = append(o.queue, frame)
	}
	o.wake()
}

func (o *outlet) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
	o.wake()
}

func (o *outlet) wake() {
	select {
	case o.more <- struct{}{}:
	default:
	}
}

// get takes what is queued.
func (o *outlet) get() ([][]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	frames := o.queue
	o.queue, o.bytes = nil, 0
	return frames, o.err
}

// Publish implements Transport.
func (s *Streams) Publish(_ context.Context, batch []byte) error {
	frame := append(binary.AppendUvarint(nil, uint64(len(batch))), batch...)
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.outlets {
		o.put(frame)
	}
	return nil
}

// Listen implements Transport. While it runs this process serves streams.
func (s *Streams) Listen(ctx context.Context, take func([]byte)) error {
	s.mu.Lock()
	s.take = take
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take = nil
	for o := range s.outlets {
		o.end(ErrNotLeading)
	}
	return ctx.Err()
}

// Serve writes the stream of one follower until it can't, the context ends, or this process no longer leads. Before anything
// was written it may refuse with ErrNotLeading. flush is called when what was written is to be sent; it may be nil.
func (s *Streams) Serve(ctx context.Context, w io.Writer, flush func() error) error {
	o := &outlet{more: make(chan struct{}, 1)}
	s.mu.Lock()
	leads := s.take != nil
	if leads {
		s.outlets[o] = struct{}{}
	}
	s.mu.Unlock()
	if !leads {
		return ErrNotLeading
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.outlets, o)
	}()
	frames, err := [][]byte{{0}}, error(nil) // an empty one says that this process leads
	for {
		if failed := writeAll(w, flush, frames); failed != nil || err != nil {
			return errors.Join(err, failed)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-o.more:
			frames, err = o.get()
		}
	}
}

func writeAll(w io.Writer, flush func() error, frames [][]byte) error {
	for _, frame := range frames {
		if _, err := w.Write(frame); err != nil {
			return err
		}
	}
	if flush == nil || len(frames) == 0 {
		return nil
	}
	return flush()
}

// Take takes a follower's request, while this process leads.
func (s *Streams) Take(request []byte) error {
	s.mu.Lock()
	take := s.take
	s.mu.Unlock()
	if take == nil {
		return ErrNotLeading
	}
	take(request)
	return nil
}

// Ask implements Transport: it asks the peer whose stream was opened last.
func (s *Streams) Ask(ctx context.Context, request []byte) error {
	s.mu.Lock()
	leader := s.leader
	s.mu.Unlock()
	if leader == "" {
		return errNobodyLeads
	}
	return s.config.Send(ctx, leader, request)
}
