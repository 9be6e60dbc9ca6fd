package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the times in /proc, which is the same on all of Linux's common machines.
const tick = 10 * time.Millisecond

// process is what Linux says of one: its parent, the time that it has used, and the time of its children that have ended.
type process struct {
	parent    int
	own, dead time.Duration
}

// processOf reads /proc/pid/stat. The name, which may hold anything, is in parentheses; what counts comes after it.
func processOf(pid int) (p process, err error) {
	name := fmt.Sprintf("/proc/%d/stat", pid)
	text, err := os.ReadFile(name)
	if err != nil {
		return p, fmt.Errorf("CPU time is only known on Linux: %w", err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return p, fmt.Errorf("%s holds %q", name, text)
	}
	numbers := make([]int, 0, 5)
	for _, i := range []int{1, 11, 12, 13, 14} { // ppid, utime, stime, cutime, cstime
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return p, fmt.Errorf("%s: %w", name, err)
		}
		numbers = append(numbers, n)
	}
	return process{
		parent: numbers[0],
		own:    time.Duration(numbers[1]+numbers[2]) * tick, dead: time.Duration(numbers[3]+numbers[4]) * tick,
	}, nil
}

// cpuOf is what a server has used: its first process, the children of that, and those that have ended.
func cpuOf(server int) (time.Duration, error) {
	first, err := processOf(server)
	if err != nil {
		return 0, err
	}
	total := first.own + first.dead
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil {
			return 0, err
		}
		if p, err := processOf(pid); err == nil && p.parent == server { // it may have ended since
			total += p.own + p.dead
		}
	}
	return total, nil
}

// ownCPU is what this process has used, without its children.
func ownCPU() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used) // it can't fail with these arguments
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
