package wal

import (
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	asked "github.com/gopgcache/pgcache/internal/changefeed/server"
)

// proxy stands between a feed and its server. While it is deaf, what comes is lost and nobody is told; to cut is to end all
// connections.
type proxy struct {
	listener net.Listener
	server   string
	done     sync.WaitGroup

	mu    sync.Mutex
	hears *sync.Cond
	deaf  bool
	over  bool
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server, conns: make(map[net.Conn]bool)}
	p.hears = sync.NewCond(&p.mu)
	p.done.Go(p.accept)
	t.Cleanup(func() {
		p.listener.Close()
		p.mu.Lock()
		p.over = true
		p.mu.Unlock()
		p.hears.Broadcast()
		p.cut()
		p.done.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		p.done.Go(func() { p.pump(server, client) })
		p.done.Go(func() { p.pump(client, server) })
	}
}

// pump carries what comes from one side to the other.
func (p *proxy) pump(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.deaf && !p.over {
			p.hears.Wait()
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) setDeaf(deaf bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = deaf
	p.hears.Broadcast()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
	clear(p.conns)
}

// through is a DSN that leads through the proxy.
func (p *proxy) through(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.listener.Addr().String()
	return u.String()
}

// host is where a DSN leads.
func host(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestNetworkIsCut(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	p := newProxy(t, host(t, dsn))
	f := follow(t, p.through(t, dsn))
	checkFollows(t, f, c)
	p.cut()
	f.untilStarts(t, 2)
	checkFollows(t, f, c)
	checkStory(t, f)
}

// The network swallows everything and breaks no connection. The feed must notice by itself, in a time that is bounded; what
// was committed meanwhile is lost to it, and it says so.
func TestNetworkFallsSilent(t *testing.T) {
	dsn, c := database(t)
	exec(t, c, "create table t (id int primary key)", "alter publication pgcache add table t")
	p := newProxy(t, host(t, dsn))
	f := follow(t, p.through(t, dsn))
	checkFollows(t, f, c)
	p.setDeaf(true)
	begun := time.Now()
	exec(t, c, "insert into t values (-1)")
	f.until(t, "the loss is told", func(s *state) bool { return len(s.losses) > 0 })
	if took := time.Since(begun); took > 3*asked.Patience {
		t.Errorf("it took %v to notice", took)
	}
	p.cut()
	p.setDeaf(false)
	f.untilStarts(t, 2)
	checkFollows(t, f, c)
	checkStory(t, f)
}

// Whoever stops a feed needn't wait for a network that says nothing.
func TestStopInSilence(t *testing.T) {
	dsn, _ := database(t)
	p := newProxy(t, host(t, dsn))
	f := follow(t, p.through(t, dsn))
	p.setDeaf(true)
	begun := time.Now()
	f.stop()
	if took := time.Since(begun); took > asked.Patience {
		t.Errorf("it took %v to stop", took)
	}
}
