//go:build !unix

package testenv

import (
	"errors"
	"os"
	"os/exec"
)

type account struct{}

// unprivileged refuses: servers are guarded by a POSIX shell.
func unprivileged() (*account, error) {
	return nil, errors.New("pgcache: test servers are started on Unix only: set PGCACHE_TEST_DSN or PGCACHE_TEST_REDIS to use running ones")
}

func (*account) own(string) error { return nil }

func detach(*exec.Cmd, *account) {}

// Nothing is started here, so these are never sent.
var (
	signalFast      = os.Interrupt
	signalImmediate = os.Kill
	signalPause     = os.Kill
	signalContinue  = os.Kill
)
