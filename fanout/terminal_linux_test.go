package fanout_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"unsafe"

	"github.com/gopgcache/pgcache/fanout"
)

// The line on a terminal is rewritten in place, never wraps, and ends with the run.
func TestProgressLineOnATerminal(t *testing.T) {
	terminal, written := pseudoTerminal(t)
	line := fanout.ProgressLine(terminal)
	line(fanout.Event{Step: fanout.Started, Name: "select " + string(bytes.Repeat([]byte("long "), 50)), Total: 2, Running: 1})
	line(fanout.Event{Step: fanout.Finished, Name: "a", Total: 2, Done: 1})
	line(fanout.Event{Step: fanout.Over, Total: 2, Done: 1})
	lines := regexp.MustCompile(`\r([^\r\n]*)\x1b\[K`).FindAllStringSubmatch(written(), -1)
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	got := []string{lines[1][1], lines[2][1]}
	want := []string{"[##########..........] 1/2, 0s · a", "[##########..........] 1/2, 0s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := len([]rune(lines[0][1])); n != 79 {
		t.Errorf("%d columns", n)
	}
}

func TestDumbTerminalGetsALog(t *testing.T) {
	terminal, written := pseudoTerminal(t)
	t.Setenv("TERM", "dumb")
	fanout.ProgressLine(terminal)(fanout.Event{Step: fanout.Finished, Name: "a", Total: 1, Done: 1})
	if got, want := written(), "1/1, 0s · a done in 0s\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// pseudoTerminal returns a terminal to write to, and what was written since.
func pseudoTerminal(t *testing.T) (terminal *os.File, written func() string) {
	t.Setenv("TERM", "xterm")
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	var number uint32
	ioctl(t, control, syscall.TIOCSPTLCK, unsafe.Pointer(&number)) // 0 unlocks
	ioctl(t, control, syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return terminal, func() string {
		// A terminal gives what was written in pieces, so there is a mark at the end.
		const mark = "<end>"
		if _, err := terminal.WriteString(mark); err != nil {
			t.Fatal(err)
		}
		var all []byte
		for buffer := make([]byte, 1<<16); !bytes.HasSuffix(all, []byte(mark)); {
			n, err := control.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, buffer[:n]...)
		}
		return string(bytes.TrimSuffix(all, []byte(mark)))
	}
}

func ioctl(t *testing.T, f *os.File, request uintptr, argument unsafe.Pointer) {
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(argument)); errno != 0 {
		t.Fatal(errno)
	}
}
