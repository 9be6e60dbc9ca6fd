//go:build unix

package testenv

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// victimVariable makes this test binary a program that starts servers and never
// closes them.
const victimVariable = "PGCACHE_TESTENV_VICTIM"

// belongings are what a victim tells about its servers, as one line of JSON.
type belongings struct {
	Processes []int
	Addresses []string
}

// beVictim starts servers, tells about them, and waits for its end: by a
// signal, or by the end of its standard input.
func beVictim() {
	ctx := context.Background()
	if os.Getenv(victimVariable) == "initdb" {
		_, err := Start(ctx, Options{Progress: func(string) { tell(belongings{}) }})
		fail(err)
	}
	s, err := Start(ctx, Options{})
	fail(err)
	r, err := StartRedis(ctx, Options{})
	fail(err)
	fail(r.Pause())
	tell(belongings{
		Processes: []int{s.process.cmd.Process.Pid, r.process.cmd.Process.Pid},
		Addresses: []string{strings.Split(s.DSN(""), "@")[1], r.Addr()},
	})
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func tell(b belongings) {
	line, err := json.Marshal(b)
	fail(err)
	fmt.Println(string(line))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// However a program ends, its servers end too, and their files go.
func TestServersDieWithTheirProgram(t *testing.T) {
	kill := func(cmd *exec.Cmd, _ io.Closer) error { return cmd.Process.Kill() }
	for _, c := range []struct {
		name, victim string
		end          func(*exec.Cmd, io.Closer) error
	}{
		{"SIGKILL", "servers", kill},
		{"SIGKILL while initdb runs", "initdb", kill},
		{"SIGINT", "servers", func(cmd *exec.Cmd, _ io.Closer) error { return cmd.Process.Signal(os.Interrupt) }},
		{"exit without Close", "servers", func(_ *exec.Cmd, in io.Closer) error { return in.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			temp := openDir(t)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), victimVariable+"="+c.victim, "TMPDIR="+temp)
			in, had := startVictim(t, cmd)
			for _, pid := range had.Processes {
				if !alive(pid) {
					t.Fatalf("process %d isn't running before the end", pid)
				}
			}
			if err := c.end(cmd, in); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed, mostly
			waitUntilGone(t, temp, had)
		})
	}
}

// startVictim returns once the victim has told what it has.
func startVictim(t *testing.T, cmd *exec.Cmd) (in io.Closer, had belongings) {
	t.Helper()
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err, cmd.Wait())
	}
	if err := json.Unmarshal(line, &had); err != nil {
		t.Fatal(err)
	}
	return in, had
}

// waitUntilGone polls: nothing else tells when a stranger's processes and files
// have gone.
func waitUntilGone(t *testing.T, temp string, had belongings) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		left := leftovers(t, temp, had)
		if len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("left after 30 s: %v", left)
		}
	}
}

func leftovers(t *testing.T, temp string, had belongings) (left []string) {
	t.Helper()
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	for _, pid := range had.Processes {
		if alive(pid) {
			left = append(left, fmt.Sprint("process ", pid))
		}
	}
	for _, address := range had.Addresses {
		address, _, _ = strings.Cut(address, "/")
		if conn, err := net.Dial("tcp", address); err == nil {
			left = append(left, address)
			_ = conn.Close()
		}
	}
	return left
}

// alive reports whether the process runs. One that has ended but whom nobody
// waited for doesn't: that is the machine's init's affair.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && !strings.HasPrefix(string(state), "Z")
}

// A paused server can't answer a request to stop; Close must not need it to.
func TestCloseOfPausedServer(t *testing.T) {
	r := startRedis(t)
	if err := r.Pause(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", r.Addr()); err == nil {
		t.Error("still listening", conn.Close())
	}
}
