//go:build unix

package fleet_test

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
)

// spoiler is a network before Redis that flips a bit in some of the entries that come from there.
type spoiler struct {
	server  string
	percent atomic.Int64
	tasks   sync.WaitGroup

	mu    sync.Mutex
	ended bool
	conns []net.Conn
}

// startSpoiler puts a network before a server, and gives its address.
func startSpoiler(t *testing.T, server string) (*spoiler, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &spoiler{server: server}
	s.tasks.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			s.tasks.Go(func() { s.join(near) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		s.mu.Lock()
		s.ended = true
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.tasks.Wait()
	})
	return s, listener.Addr().String()
}

func (s *spoiler) join(near net.Conn) {
	far, err := net.Dial("tcp", s.server)
	if err != nil {
		near.Close()
		return
	}
	s.mu.Lock()
	s.conns = append(s.conns, near, far)
	ended := s.ended
	s.mu.Unlock()
	if ended {
		near.Close()
		far.Close()
	}
	s.tasks.Go(func() {
		_, _ = io.Copy(far, near)
		far.Close()
	})
	s.spoil(near, far)
	near.Close()
}

// entryBegins is how the values of the store begin: with the version of their format and how they are sealed.
var entryBegins = []byte{1, 0, 0}

// spoil carries replies line by line, and the bodies of bulk strings as a whole.
func (s *spoiler) spoil(to io.Writer, from io.Reader) {
	in, out := bufio.NewReader(from), bufio.NewWriter(to)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		if _, err := out.Write(line); err != nil {
			return
		}
		if size, isBulk := bulkOf(line); isBulk {
			body := make([]byte, size+len("\r\n"))
			if _, err := io.ReadFull(in, body); err != nil {
				return
			}
			if bytes.HasPrefix(body, entryBegins) && rand.Int64N(100) < s.percent.Load() {
				// Half of them where the rows are: at the end.
				bit := 8*(size-1-rand.IntN(min(size, []int{size, 16}[rand.IntN(2)]))) + rand.IntN(8)
				body[bit/8] ^= 1 << (bit % 8)
			}
			if _, err := out.Write(body); err != nil {
				return
			}
		}
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

func bulkOf(line []byte) (size int, isBulk bool) {
	if line[0] != '$' {
		return 0, false
	}
	size, err := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	return size, err == nil && size >= 0
}
