package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// memory is a transport inside one process, which can be made to misbehave.
type memory struct {
	mu          sync.Mutex
	subscribers []*inbox
	listeners   []func([]byte)
	// meddle, if there is such, gets each batch and gives those that are published instead.
	meddle func([]byte) [][]byte
	// deaf loses all requests.
	deaf bool
	// batches and bytes count what was published.
	batches, bytes int
	limit          int
}

// inbox is one subscriber's.
type inbox struct {
	owner *memory
	mu    sync.Mutex
	more  chan struct{}
	queue [][]byte
}

func (m *memory) Traits() Traits {
	if m.limit > 0 {
		return Traits{Limit: m.limit}
	}
	return Traits{Limit: 64 << 10}
}

func (m *memory) Publish(_ context.Context, batch []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.batches++
	m.bytes += len(batch)
	published := [][]byte{batch}
	if m.meddle != nil {
		published = m.meddle(batch)
	}
	if published == nil {
		return errors.New("the transport is broken")
	}
	for _, s := range m.subscribers {
		s.give(published)
	}
	return nil
}

func (s *inbox) give(batches [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, batches...)
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (m *memory) Subscribe(context.Context) (Subscription, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &inbox{owner: m, more: make(chan struct{}, 1)}
	m.subscribers = append(m.subscribers, s)
	return s, nil
}

func (s *inbox) Receive(ctx context.Context) ([]byte, error) {
	for {
		s.mu.Lock()
		if len(s.queue) > 0 {
			batch := s.queue[0]
			s.queue = s.queue[1:]
			s.mu.Unlock()
			return batch, nil
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *inbox) Close() {
	s.owner.mu.Lock()
	defer s.owner.mu.Unlock()
	s.owner.subscribers = slices.DeleteFunc(s.owner.subscribers, func(other *inbox) bool { return other == s })
}

func (m *memory) Ask(_ context.Context, request []byte) error {
	m.mu.Lock()
	listeners, deaf := slices.Clone(m.listeners), m.deaf
	m.mu.Unlock()
	if deaf {
		return nil
	}
	for _, take := range listeners {
		take(request)
	}
	return nil
}

func (m *memory) Listen(ctx context.Context, take func([]byte)) error {
	m.mu.Lock()
	m.listeners = append(m.listeners, take)
	m.mu.Unlock()
	<-ctx.Done()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = nil
	return ctx.Err()
}

// set changes how the transport behaves.
func (m *memory) set(change func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}
