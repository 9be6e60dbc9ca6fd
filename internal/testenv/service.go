package testenv

import (
	"context"
	"errors"
	"os"
	"sync"
)

var (
	// ErrGiven is returned by what would stop, start or pause a server that was
	// given to us rather than started by us.
	ErrGiven = errors.New("pgcache: this server was given, not started here: it is left alone")
	// ErrNotRunning is returned when the server is stopped and mustn't be, or
	// closed for good.
	ErrNotRunning = errors.New("pgcache: this test server isn't running")
)

// service is a server's life: stopped and started any number of times, closed
// once. A service without a daemon is a server that was given.
type service struct {
	daemon *daemon

	mu      sync.Mutex
	process *process // nil while stopped
	closed  bool
}

// Given reports whether the server was named by the environment, so that it
// can't be stopped, and its settings and contents are its owner's.
func (s *service) Given() bool { return s.daemon == nil }

// Start starts a stopped server again, on the same port, and returns when it
// accepts connections. It does nothing to a running one.
func (s *service) Start(ctx context.Context) error {
	if s.Given() {
		return ErrGiven
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrNotRunning
	}
	if s.process != nil {
		return nil
	}
	p, err := s.daemon.start(ctx)
	if err != nil {
		return err
	}
	s.process = p
	return nil
}

// stop returns when no process of the server is left. It does nothing to a
// stopped one. Should ctx end first, the server is killed.
func (s *service) stop(ctx context.Context, signal os.Signal) error {
	if s.Given() {
		return ErrGiven
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(ctx, signal)
}

// end is stop for those who hold the lock.
func (s *service) end(ctx context.Context, signal os.Signal) error {
	if s.process == nil {
		return nil
	}
	p := s.process
	s.process = nil
	return p.stop(ctx, signal)
}

// send gives a running server a signal that doesn't end it.
func (s *service) send(signal os.Signal) error {
	if s.Given() {
		return ErrGiven
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return ErrNotRunning
	}
	return s.process.cmd.Process.Signal(signal)
}

// Close stops the server at once, removes its files, and returns when both are
// done. It can't be started again. A server that was given stays as it is.
func (s *service) Close() error {
	if s.Given() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	// The guardian knows how to stop any server, paused ones too.
	err := s.daemon.guard.release()
	if s.process != nil {
		<-s.process.exited
		s.process = nil
	}
	return err
}
