package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// outcome is what one run of pgbench has come to.
type outcome struct {
	long      time.Duration
	cpu       time.Duration   // of the server
	own       time.Duration   // CPU time of this process, which follows
	latencies []time.Duration // of each transaction, sorted; with a rate they count from when it was due
}

func (o *outcome) rate() float64                { return float64(len(o.latencies)) / o.long.Seconds() }
func (o *outcome) median() time.Duration        { return o.latencies[len(o.latencies)/2] }
func (o *outcome) cpuPerWrite() (micro float64) { return micros(o.cpu) / float64(len(o.latencies)) }

func (o *outcome) ownPerWrite() (micro float64) { return micros(o.own) / float64(len(o.latencies)) }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// write runs pgbench.
func (b *bench) write(ctx context.Context, l *load) (o outcome, err error) {
	args := append([]string{"-N", "-n", "-j", "1", "-l", "--log-prefix=run", "-T", strconv.Itoa(b.seconds)}, l.args...)
	if l.half != nil {
		peaks := l.half.runs[none]
		args = append(args, "-R", strconv.Itoa(max(1, int(peaks[len(peaks)-1].rate()/2))))
	}
	before, err := cpuOf(b.server)
	if err != nil {
		return o, err
	}
	ownBefore := ownCPU()
	if err := b.pgbench(ctx, args...); err != nil {
		return o, err
	}
	o.long = time.Duration(b.seconds) * time.Second
	after, err := cpuOf(b.server)
	if err != nil {
		return o, err
	}
	o.cpu, o.own = after-before, ownCPU()-ownBefore
	o.latencies, err = b.log()
	return o, err
}

// log reads the times of the transactions, and removes the file.
func (b *bench) log() (list []time.Duration, err error) {
	names, err := filepath.Glob(filepath.Join(b.directory, "run.*"))
	if err != nil || len(names) != 1 {
		return nil, fmt.Errorf("pgbench has written %d logs: %w", len(names), err)
	}
	file, err := os.Open(names[0])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(names[0])) }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // client, transaction, microseconds, ...
		if len(fields) < 3 {
			return nil, fmt.Errorf("pgbench has logged %q", lines.Text())
		}
		took, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("pgbench has logged %q: %w", lines.Text(), err)
		}
		list = append(list, time.Duration(took)*time.Microsecond)
	}
	slices.Sort(list)
	if len(list) == 0 {
		return nil, errors.Join(errors.New("pgbench has written nothing"), lines.Err())
	}
	return list, lines.Err()
}
