package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// endpoint is an address that this process listens on, for all Fleets that have it as theirs.
type endpoint struct {
	address string
	config  *Config // of the Fleet that opened it; the others are guarded alike
	keys    *keys
	nonces  *nonces
	refused guardCounters
	server  *http.Server
	served  chan struct{} // closed when nothing is accepted any more

	mu     sync.RWMutex
	groups map[[16]byte][]*Fleet
}

var endpoints = struct {
	mu        sync.Mutex
	byAddress map[string]*endpoint
}{byAddress: map[string]*endpoint{}}

// enlist makes requests for the Fleet's group reach it. Of several Fleets with one group, the first that is still open gets them.
func enlist(f *Fleet) (*endpoint, error) {
	endpoints.mu.Lock()
	defer endpoints.mu.Unlock()
	address := f.config.Listen
	if f.config.listener != nil {
		address = f.config.listener.Addr().String()
	}
	e := endpoints.byAddress[address]
	switch {
	case e == nil:
		var err error
		if e, err = listen(address, &f.config); err != nil {
			return nil, err
		}
		endpoints.byAddress[e.address] = e
	case e.config.Self != f.config.Self:
		return nil, fmt.Errorf("%w: peers %s and %s of this process both listen on %s", ErrCollision, e.config.Self, f.config.Self, address)
	case !e.config.guardedLike(&f.config):
		return nil, fmt.Errorf("%w: this process listens on %s already, with another secret or another certificate", ErrCollision, address)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.groups[f.group] = append(e.groups[f.group], f)
	return e, nil
}

func listen(address string, c *Config) (*endpoint, error) {
	e := &endpoint{
		address: address, config: c, keys: newKeys(c.Secret), nonces: newNonces(time.Now(), mostNonces),
		served: make(chan struct{}), groups: map[[16]byte][]*Fleet{},
	}
	listener := c.listener
	if listener == nil {
		var err error
		if listener, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", address); err != nil {
			return nil, fmt.Errorf("pgcache: peer %s: %w", c.Self, err)
		}
	}
	if strings.HasSuffix(address, ":0") { // which is another one for everybody who asks
		e.address = listener.Addr().String()
	}
	if c.secure() {
		listener = tls.NewListener(listener, e.serverTLS())
	}
	e.server = &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute, // after the askers'
		MaxHeaderBytes:    8 << 10,
		ErrorLog:          slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(e.served)
		if err := e.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			c.Logger.Error("pgcache: peers can't reach this process any more", "error", err)
		}
	}()
	return e, nil
}

// leave takes a Fleet off, and ends the endpoint with the last one.
func (e *endpoint) leave(f *Fleet) error {
	endpoints.mu.Lock()
	defer endpoints.mu.Unlock()
	e.mu.Lock()
	fleets := slices.DeleteFunc(e.groups[f.group], func(other *Fleet) bool { return other == f })
	e.groups[f.group] = fleets
	if len(fleets) == 0 {
		delete(e.groups, f.group)
	}
	last := len(e.groups) == 0
	e.mu.Unlock()
	if !last {
		return nil
	}
	delete(endpoints.byAddress, e.address)
	err := e.server.Close()
	<-e.served
	return err
}

// fleetOf gives the Fleet that serves a group and counts the request as its work, or nil.
func (e *endpoint) fleetOf(group [16]byte) *Fleet {
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, f := range e.groups[group] {
		if f.enter() {
			return f
		}
	}
	return nil
}

var errNoCertificate = errors.New("pgcache: peer: no certificate")

// serverTLS demands a certificate of the authority. It is verified here and not by ClientAuth, so that who has none is counted.
func (e *endpoint) serverTLS() *tls.Config {
	conf := e.config.TLS.Clone()
	conf.MinVersion = max(conf.MinVersion, tls.VersionTLS12)
	conf.NextProtos = []string{"http/1.1"}
	authority := e.config.authority()
	if authority == nil {
		conf.ClientAuth = tls.NoClientCert
		return conf
	}
	conf.ClientAuth, conf.ClientCAs = tls.RequestClientCert, authority
	conf.VerifyConnection = func(state tls.ConnectionState) error {
		err := verifyClient(&state, authority)
		if err != nil {
			e.refused.unauthenticated.Add(1)
		}
		return err
	}
	return conf
}
