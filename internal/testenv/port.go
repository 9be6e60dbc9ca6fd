package testenv

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"strconv"
)

// Ports come from below the range that kernels give to outgoing connections, so
// that a stopped server finds its port free when it starts again.
const (
	lowestPort = 20000
	portCount  = 10000
	portTries  = 100
)

// freePort returns a loopback port that nobody listens on now.
func freePort() (int, error) {
	for range portTries {
		port := lowestPort + mathrand.IntN(portCount)
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return 0, fmt.Errorf("pgcache: no free port between %d and %d", lowestPort, lowestPort+portCount)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// startTries is how often a server is started on another port when its first
// was taken between the look and the start.
const startTries = 3

// onFreePort runs start with a free port, again with another one when the
// server ended before it was ready, which is what a taken port looks like.
func onFreePort(start func(port int) error) error {
	var err error
	for range startTries {
		var port int
		if port, err = freePort(); err != nil {
			return err
		}
		if err = start(port); !errors.Is(err, errExited) {
			return err
		}
	}
	return err
}

// newPassword is a secret that needs no quoting anywhere.
func newPassword() string { return rand.Text() }
