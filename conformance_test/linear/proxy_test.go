package linear_test

import (
	"bytes"
	"net"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is a network between a driver and its server, which can be cut.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	open  *sync.Cond
	cut   bool
	held  bool
	slow  bool
	ended bool
	conns map[net.Conn]struct{}
	tasks sync.WaitGroup
}

// newProxy puts a network before a server, and gives the connection string that leads through it.
func newProxy(t *testing.T, dsn string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: u.Host, conns: make(map[net.Conn]struct{})}
	p.open = sync.NewCond(&p.mu)
	p.tasks.Go(p.accept)
	t.Cleanup(p.close)
	u.Host = listener.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.tasks.Go(func() { p.join(near) })
	}
}

// join connects what has come in with the server.
func (p *proxy) join(near net.Conn) {
	far, err := net.Dial("tcp", p.server)
	if err != nil {
		_ = near.Close()
		return
	}
	if !p.hold(near, far) {
		p.drop(near, far)
		return
	}
	var feed atomic.Bool
	p.tasks.Go(func() { p.carry(near, far, &feed) })
	p.carry(far, near, &feed)
}

// feedsSay are in what a feed says when it connects for what it follows, and no other connection does.
var feedsSay = [][]byte{[]byte("replication\x00database\x00"), []byte("application_name\x00pgcache touch log\x00")}

// hold remembers connections, unless the proxy has been closed.
func (p *proxy) hold(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return !p.ended
}

// carry carries bytes one way until either end closes, and closes both. While the network is cut they wait.
func (p *proxy) carry(to, from net.Conn, feed *atomic.Bool) {
	defer p.drop(to, from)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(p.pace(buf, feed.Load()))
		if slices.ContainsFunc(feedsSay, func(word []byte) bool { return bytes.Contains(buf[:n], word) }) {
			feed.Store(true)
		}
		p.mu.Lock()
		for (p.cut || p.held && feed.Load()) && !p.ended {
			p.open.Wait()
		}
		p.mu.Unlock()
		if _, failed := to.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
}

// While the feeds' connections are slow so much is carried each way, so often.
const (
	slowBytes = 50
	slowEvery = 50 * time.Millisecond
)

// pace gives room for what may be read next, and waits until it may be.
func (p *proxy) pace(buf []byte, feed bool) []byte {
	p.mu.Lock()
	slow := p.slow && feed
	p.mu.Unlock()
	if !slow {
		return buf
	}
	<-time.After(slowEvery)
	return buf[:slowBytes]
}

func (p *proxy) drop(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(p.conns, c)
	}
}

// silence cuts the network, or mends it. Nobody is told: what is sent meanwhile arrives afterwards.
func (p *proxy) silence(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	p.open.Broadcast()
}

// holdFeeds holds up what the feeds follow, and only that. Nobody is told.
func (p *proxy) holdFeeds(held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = held
	p.open.Broadcast()
}

// slowDown makes what the feeds follow so slow that it falls ever further behind, but is never silent.
func (p *proxy) slowDown(slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = slow
}

// mend makes the network what it was.
func (p *proxy) mend() {
	p.silence(false)
	p.holdFeeds(false)
	p.slowDown(false)
}

// breakAll breaks all connections.
func (p *proxy) breakAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.mu.Lock()
	p.ended = true
	p.open.Broadcast()
	p.mu.Unlock()
	p.breakAll()
	p.tasks.Wait()
}
