package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	roleVariable = "PGCACHE_TEST_REDIS_ROLE"
	urlVariable  = "PGCACHE_TEST_REDIS_URL"
	namespace    = "processes"
)

// play is what this program does when a test has started it as another process. It ends when its standard input does.
func play(role string) int {
	s, err := Open(Config{URL: os.Getenv(urlVariable), Namespace: namespace, Timeout: patient})
	if err == nil {
		switch role {
		case "hold":
			err = hold(s)
		case "compete":
			err = compete(s)
		}
		err = errors.Join(err, s.Close())
	}
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

// hold takes a lease, says so, and keeps it until it is killed.
func hold(s *Store) error {
	l, err := s.Lease(context.Background(), keyOf(1))
	if err != nil {
		return err
	}
	fmt.Println("mine:", l.Mine())
	_, err = io.Copy(io.Discard, os.Stdin)
	l.Release()
	return err
}

// rounds is how many leases of one key those who compete have among them, at least.
const rounds = 60

// compete makes the entry again and again, taking turns with others. While it has the lease it is the only one in a counter.
func compete(s *Store) error {
	ctx := context.Background()
	for turn := 0; turn < rounds; {
		l, err := s.Lease(ctx, keyOf(1))
		if err != nil {
			return err
		}
		if !l.Mine() {
			if err := l.Wait(ctx); err != nil {
				return err
			}
			continue
		}
		inside, err := s.client.Incr(ctx, namespace+":inside").Result()
		if err != nil || inside != 1 {
			return fmt.Errorf("%d have the lease at once; %w", inside, err)
		}
		if turn, err = s.made(ctx); err != nil {
			return err
		}
		if err := s.client.Decr(ctx, namespace+":inside").Err(); err != nil {
			return err
		}
		if err := l.Put(ctx, entryOf(fmt.Sprint(turn))); err != nil {
			return err
		}
		turn++
	}
	return nil
}

// made makes the next text of the entry from the last one: none is lost as long as one process at a time does so.
func (s *Store) made(ctx context.Context) (int, error) {
	entry, err := s.Get(ctx, keyOf(1))
	if err != nil || entry == nil {
		return 0, err
	}
	var last int
	_, err = fmt.Sscan(textOf(entry), &last)
	return last + 1, err
}

// process is this program, started in a role.
type process struct {
	cmd    *exec.Cmd
	output *bufio.Reader
	input  io.Closer
}

func start(t *testing.T, role, url string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, urlVariable+"="+url)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &process{cmd, bufio.NewReader(output), input}
}

func (p *process) line(t *testing.T) string {
	t.Helper()
	line, err := p.output.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestProcessesTakeTurns(t *testing.T) {
	server := ownRedis(t)
	var all []*process
	for range 3 {
		all = append(all, start(t, "compete", server.URL()))
	}
	for _, p := range all {
		said, _ := io.ReadAll(p.output)
		if err := p.cmd.Wait(); err != nil || len(said) > 0 {
			t.Errorf("%v: %s", err, said)
		}
	}
	s := open(t, Config{URL: server.URL(), Namespace: namespace})
	last, err := s.made(t.Context())
	if err != nil || last < rounds {
		t.Errorf("the entry was made %d times, want %d; %v", last, rounds, err)
	}
}

// When the holder is killed, those who wait go on soon, and not before it is dead.
func TestHolderIsKilled(t *testing.T) {
	server := ownRedis(t)
	holder := start(t, "hold", server.URL())
	if said := holder.line(t); said != "mine: true" {
		t.Fatal(said)
	}
	s := open(t, Config{URL: server.URL(), Namespace: namespace})
	done := waiting(t, s, takeLease(t, s, keyOf(1)))
	select { // longer than a lease lasts that isn't renewed
	case err := <-done:
		t.Fatalf("woken while the holder lives: %v", err)
	case <-time.After(leaseLasts + renewEvery):
	}
	if err := holder.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.cmd.Wait()
	killed := time.Now()
	wantWoken(t, done, 2*time.Second+slack)
	l := takeLease(t, s, keyOf(1))
	if !l.Mine() {
		t.Error("the lease is still somebody's")
	}
	l.Release()
	t.Logf("went on %v after the holder was killed", time.Since(killed))
}
