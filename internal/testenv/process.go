package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// drainDelay bounds the wait for a dead server's last log lines: orphaned
// backends hold the pipe open until they notice that their parent has gone.
const drainDelay = 10 * time.Second

var errExited = errors.New("exited before it was ready")

// process is one running daemon.
type process struct {
	cmd    *exec.Cmd
	log    *watch
	exited chan struct{} // closed once the program and its log have ended
}

// start runs the daemon and returns when it accepts connections. A daemon that
// isn't ready when ctx ends is killed.
func (d *daemon) start(ctx context.Context) (*process, error) {
	cmd := d.command(d.path, d.args...)
	cmd.WaitDelay = drainDelay
	log := newWatch(d.ready, d.log)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgcache: start %s: %w", filepath.Base(d.path), err)
	}
	d.guard.watch(cmd.Process.Pid)
	p := &process{cmd: cmd, log: log, exited: make(chan struct{})}
	go p.wait(d.guard)
	if err := p.waitReady(ctx); err != nil {
		return nil, fmt.Errorf("pgcache: start %s: %w; its last words:\n%s", filepath.Base(d.path), err, log.tail())
	}
	return p, nil
}

func (p *process) wait(guard *guardian) {
	_ = p.cmd.Wait() // how it ended is in its log
	guard.unwatch()
	close(p.exited)
}

func (p *process) waitReady(ctx context.Context) error {
	select {
	case <-p.log.ready:
		return nil
	case <-p.exited:
		return errExited
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.exited
		return ctx.Err()
	}
}

// stop sends the signal and waits for the end of the process. When ctx ends
// first the process is killed and ctx's error returned.
func (p *process) stop(ctx context.Context, signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("pgcache: stop %s: %w", filepath.Base(p.cmd.Path), err)
	}
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.exited
		return ctx.Err()
	}
}
