// Package fleet runs one program as several processes, for the examples that show what processes have in common. The program
// starts itself with a flag of its own; what it then does comes from the process that started it.
package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Process is one of a fleet. Its methods are for one goroutine at a time.
type Process struct {
	Name string

	ctx     context.Context // its life
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	reports *json.Decoder
	said    bytes.Buffer // on standard error; to be read once it has ended
	ended   chan struct{}
}

// Start starts a process and has it open a connection string with the driver pgcache. ctx bounds its life; Close ends it
// sooner.
func Start(ctx context.Context, name, dsn string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{Name: name, ctx: ctx, cmd: exec.CommandContext(ctx, self, flag), ended: make(chan struct{})}
	p.cmd.Stderr = &p.said
	p.cmd.WaitDelay = time.Second
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	reports, out := io.Pipe() // unlike StdoutPipe it may be read while the end is waited for
	p.cmd.Stdout = out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = out.CloseWithError(errors.Join(io.ErrUnexpectedEOF, p.cmd.Wait()))
	}()
	p.orders, p.reports = json.NewEncoder(p.in), json.NewDecoder(reports)
	if _, err := p.do(&order{Open: dsn}); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// do gives an order and waits for the report.
func (p *Process) do(o *order) (*report, error) {
	var r report
	err := p.orders.Encode(o)
	if err == nil {
		err = p.reports.Decode(&r)
	}
	switch {
	case err != nil:
		p.kill()
		return nil, errors.Join(p.ctx.Err(), fmt.Errorf("process %s: %w; it said: %s", p.Name, err, &p.said))
	case r.Error != "":
		return nil, fmt.Errorf("process %s: %s", p.Name, r.Error)
	}
	return &r, nil
}

// Exec has the process run a statement that writes.
func (p *Process) Exec(statement string) error {
	_, err := p.do(&order{Exec: statement})
	return err
}

// Stats gives the counts of the process's SHOW pgcache.stats.
func (p *Process) Stats() (map[string]int64, error) {
	r, err := p.do(&order{Stats: true})
	if err != nil {
		return nil, err
	}
	return r.Stats, nil
}

// Kill ends the process as the kernel does when memory runs out: by SIGKILL.
func (p *Process) Kill() { p.kill() }

func (p *Process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// patience is how long a process may take to end by itself.
const patience = 10 * time.Second

// Close has the process close its database and end, and waits for that. One that was killed has ended.
func (p *Process) Close() error {
	_ = p.in.Close()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return nil
	case <-timer.C:
		p.kill()
		return fmt.Errorf("process %s had to be killed", p.Name)
	}
}

// all runs a function for each process at the same time.
func all(processes []*Process, f func(i int, p *Process) error) error {
	errs := make([]error, len(processes))
	var running sync.WaitGroup
	for i, p := range processes {
		running.Go(func() { errs[i] = f(i, p) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// StartAll starts one process for each connection string, named A, B, C and so on.
func StartAll(ctx context.Context, dsns []string) ([]*Process, error) {
	processes := make([]*Process, len(dsns))
	err := all(processes, func(i int, _ *Process) (err error) {
		processes[i], err = Start(ctx, string(rune('A'+i)), dsns[i])
		return err
	})
	if err != nil {
		return nil, errors.Join(err, CloseAll(processes))
	}
	return processes, nil
}

// CloseAll closes all that were started.
func CloseAll(processes []*Process) error {
	return all(processes, func(_ int, p *Process) error {
		if p == nil {
			return nil
		}
		return p.Close()
	})
}
