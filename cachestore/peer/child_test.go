package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang/groupcache"
)

// childEnv makes the test binary a process of a fleet, with the configuration that it holds.
const childEnv = "PGCACHE_PEER_TEST_CHILD"

// childConfig is what a child is told.
type childConfig struct {
	Self      string
	Peers     []string
	Collision bool // only see what Open says when somebody else has the picker
}

// child does what its standard input says, a line at a time: "ask KEY N REQUEST" asks for a key by N goroutines at once, "fills"
// tells how often Fill was called. It ends with its input.
func child() {
	var c childConfig
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &c); err != nil {
		panic(err)
	}
	if c.Collision {
		groupcache.RegisterPeerPicker(func() groupcache.PeerPicker { return nil })
	}
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		panic(err)
	}
	var fills atomic.Int64
	f, err := Open(Config{
		Self: c.Self, Peers: c.Peers, Secret: testSecret, Timeout: 10 * time.Second, CacheBytes: 1 << 20, Group: "test",
		Logger: quiet(), listener: listener,
		Fill: func(ctx context.Context, request []byte) (Filled, error) {
			fills.Add(1)
			if string(request) == "hold" {
				fmt.Println("holding")
				<-ctx.Done()
				return Filled{}, ctx.Err()
			}
			return Filled{Bytes: []byte(c.Self), Keep: true}, nil
		},
	})
	if err != nil {
		fmt.Println(errors.Is(err, ErrCollision), err)
		return
	}
	fmt.Println("open")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if words[0] == "fills" {
			fmt.Println("fills", fills.Load())
			continue
		}
		n := 0
		_, _ = fmt.Sscan(words[2], &n)
		fmt.Println("asked", askMany(f, n, Call{Key: words[1], Request: []byte(words[3])}))
	}
	_ = f.Close()
}

// askMany tells how many of n callers got an answer.
func askMany(f *Fleet, n int, call Call) int64 {
	var wg sync.WaitGroup
	var got atomic.Int64
	for range n {
		wg.Go(func() {
			_, err := f.Fetch(context.Background(), call)
			if errors.Is(err, ErrOwn) {
				_, err = f.Own(context.Background(), call)
			}
			if err == nil {
				got.Add(1)
			}
		})
	}
	wg.Wait()
	return got.Load()
}

// process is a child as its parent sees it.
type process struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

// start runs the site in a process of its own.
func (s *site) start(t *testing.T, collision bool) *process {
	t.Helper()
	file, err := s.config.listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	_ = s.config.listener.Close()
	config, err := json.Marshal(childConfig{Self: s.config.Self, Peers: s.config.Peers, Collision: collision})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), childEnv+"="+string(config))
	p.ExtraFiles, p.Stderr = []*os.File{file}, os.Stderr
	p.in, _ = p.StdinPipe()
	out, _ := p.StdoutPipe()
	p.lines = bufio.NewScanner(out)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	t.Cleanup(func() {
		_ = p.Process.Kill() // it may have been stopped
		_ = p.Wait()
	})
	return p
}

func (p *process) sayf(t *testing.T, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		t.Fatal(err)
	}
}

// hear gives the next line, which must begin with the word.
func (p *process) hear(t *testing.T, word string) string {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("the process has ended, instead of saying %s", word)
	}
	line := p.lines.Text()
	if !strings.HasPrefix(line, word) {
		t.Fatalf("the process says %q, instead of %s", line, word)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, word))
}
