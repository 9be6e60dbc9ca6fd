package testenv

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// daemon is how to run one server program in its own directory.
type daemon struct {
	path    string
	args    []string
	input   string   // what it reads as standard input, if anything
	dir     string   // its files and working directory
	account *account // who runs it; nil is us
	ready   string   // the log line that says connections are accepted
	log     io.Writer
	guard   *guardian
}

// newDaemon makes the directory of a server that the account will run, and the
// guardian that stops it, with the signal, and removes its files after us.
func newDaemon(path, prefix, signal string, a *account) (*daemon, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, fmt.Errorf("pgcache: make a test server's directory: %w", err)
	}
	if err := a.own(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("pgcache: make a test server's directory: %w", err), os.Remove(dir))
	}
	guard, err := newGuardian(dir, signal)
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	return &daemon{path: path, dir: dir, account: a, guard: guard}, nil
}

// writeFile writes a file that only the daemon's account can read.
func (d *daemon) writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("pgcache: configure a test server: %w", err)
	}
	if err := d.account.own(path); err != nil {
		return fmt.Errorf("pgcache: configure a test server: %w", err)
	}
	return nil
}

// command is the program as the daemon's account would run it: with nothing of
// our environment that could change what it does.
func (d *daemon) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = d.dir
	if d.input != "" {
		cmd.Stdin = strings.NewReader(d.input)
	}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir, "LC_ALL=C", "TZ=UTC"}
	detach(cmd, d.account)
	return cmd
}
