package server

import (
	"sync"

	"github.com/gopgcache/pgcache/internal/freshness"
)

// Settler holds the own writes that wait for a position while a stream lives.
//
// While there is no stream a write is settled at once with the position zero: the next stream begins after now, and its
// Start makes everything stale that was read before. So whoever begins a stream first makes its settler known, and then asks
// for the position to start at.
type Settler struct {
	// Called is raised when there are writes to settle.
	Called chan struct{}

	mu     sync.Mutex
	owns   []*freshness.Own
	closed bool
}

// NewSettler makes a settler.
func NewSettler() *Settler { return &Settler{Called: make(chan struct{}, 1)} }

// Take takes a write to settle, unless the stream is lost.
func (s *Settler) Take(own *freshness.Own) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.owns = append(s.owns, own)
	Raise(s.Called)
	return true
}

// Settle settles the writes that wait, with one question for all: for a position that is not before anything that has been
// acknowledged.
func (s *Settler) Settle(ask func() (uint64, error)) error {
	s.mu.Lock()
	owns := s.owns
	s.owns = nil
	s.mu.Unlock()
	if len(owns) == 0 {
		return nil
	}
	position, err := ask()
	if err != nil {
		s.mu.Lock()
		if !s.closed {
			s.owns = append(s.owns, owns...)
			owns = nil
		}
		s.mu.Unlock()
	}
	for _, own := range owns {
		own.Settle(position)
	}
	return err
}

// Abandon settles what is left when the stream is lost. The sink must not believe in the stream any more.
func (s *Settler) Abandon() {
	s.mu.Lock()
	owns := s.owns
	s.owns, s.closed = nil, true
	s.mu.Unlock()
	for _, own := range owns {
		own.Settle(0)
	}
}
