package testenv

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// guardScript reads process ids from its standard input: a number is a server
// to look after, "-" says that it has gone. When the input ends it stops the
// last one named and removes the directory. SIGCONT wakes a server that was
// paused, or it would never see the signal to stop.
const guardScript = `
dir=$1 signal=$2 server=-
trap '' HUP INT TERM
while read -r line; do server=$line; done
if [ "$server" != - ]; then
	kill -"$signal" "$server"
	kill -CONT "$server"
	tries=0
	while kill -0 "$server" && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
	kill -KILL "$server"
fi
tries=0
until rm -rf "$dir" || [ $tries -ge 50 ]; do sleep 0.1; tries=$((tries + 1)); done
[ ! -e "$dir" ]
`

// guardian is a small shell process that outlives us by a moment: it waits for
// the end of a pipe whose other end only we hold, so the kernel tells it when we
// end, however we end. Then it stops the server and removes its directory.
//
// Invariant: a server's directory has a guardian before it has a file.
//
// The kernel's parent-death signal would be less, not more: it exists on Linux
// alone, follows a thread instead of the process, and leaves the files behind.
type guardian struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	pipe io.WriteCloser
}

// newGuardian guards dir. The signal, named as kill(1) does, is what stops the
// server in a hurry.
func newGuardian(dir, signal string) (*guardian, error) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		return nil, fmt.Errorf("pgcache: test servers need a POSIX shell: %w", err)
	}
	cmd := exec.Command(shell, "-c", guardScript, "guardian", dir, signal)
	detach(cmd, nil)
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pgcache: guard %s: %w", dir, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgcache: guard %s: %w", dir, err)
	}
	return &guardian{cmd: cmd, pipe: pipe}, nil
}

func (g *guardian) watch(pid int) { g.tell(fmt.Sprintln(pid)) }
func (g *guardian) unwatch()      { g.tell("-\n") }

// tell may fail only if the shell was killed; then there is no one to tell.
func (g *guardian) tell(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = io.WriteString(g.pipe, line)
}

// release stops what is still running, removes the directory, and waits until
// both are done.
func (g *guardian) release() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.pipe.Close()
	// The shell's status is that of its last command: non-zero if files stayed.
	if err := g.cmd.Wait(); err != nil {
		return fmt.Errorf("pgcache: remove a test server's files: %w", err)
	}
	return nil
}
