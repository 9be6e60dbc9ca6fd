package linear_test

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy is a network between a driver and its server, which can be cut.
type proxy struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	open  *sync.Cond
	cut   bool
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
	p.tasks.Go(func() { p.carry(near, far) })
	p.carry(far, near)
}

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
func (p *proxy) carry(to, from net.Conn) {
	defer p.drop(to, from)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		for p.cut && !p.ended {
			p.open.Wait()
		}
		p.mu.Unlock()
		if _, failed := to.Write(buf[:n]); failed != nil || err != nil {
			return
		}
	}
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
