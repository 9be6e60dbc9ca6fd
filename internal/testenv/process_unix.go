//go:build unix

package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is an unprivileged user that servers run as when we are root, whom
// PostgreSQL refuses to serve.
type account struct {
	uid, gid uint32
}

// unprivileged returns the account to run servers as; nil when we aren't root
// and so run them ourselves.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &account{uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("pgcache: servers can't run as root: add a user named postgres, or run as another user")
}

// own hands the file to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// detach makes the command a session of its own, so that Ctrl-C reaches us and
// not the servers we still use, and runs it as the account.
func detach(cmd *exec.Cmd, a *account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}

const (
	signalFast      = syscall.SIGINT
	signalImmediate = syscall.SIGQUIT
	signalPause     = syscall.SIGSTOP
	signalContinue  = syscall.SIGCONT
)
