package peer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"
)

// forgery is a request for an answer, to be spoilt.
type forgery struct {
	method, target string
	body           []byte
	keys           *keys
	made           time.Time
	ticket         *ticket // signed with the above if nil
	header         string  // of the ticket if empty
}

func (s *site) forgery(f *Fleet, key string) *forgery {
	q := inquiry{group: f.group, ring: f.ring.Load().sum, timeout: time.Second, patience: time.Second, key: key, request: []byte("request")}
	return &forgery{method: http.MethodPost, target: pathFetch, body: q.encode(), keys: newKeys(testSecret), made: time.Now()}
}

func (g *forgery) sign(audience string) *forgery {
	g.ticket = g.keys.sign(audience, g.method, g.target, g.body, g.made)
	g.header = g.ticket.header()
	return g
}

// send gives the status and everything that comes back.
func (g *forgery) send(t testing.TB, url string) (status int, raw string) {
	t.Helper()
	conn, err := net.Dial("tcp", hostOf(url))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r, err := http.NewRequest(g.method, url+g.target, bytes.NewReader(g.body))
	if err != nil {
		t.Fatal(err)
	}
	if g.header != "" {
		r.Header.Set("Authorization", g.header)
	}
	r.Close = true
	dump, err := httputil.DumpRequestOut(r, true)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write(dump)
	response, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK && len(response.Header) > 0 {
		for name := range response.Header {
			if name != "Connection" && name != "Content-Length" {
				t.Errorf("a refusal has the header %s", name)
			}
		}
	}
	return response.StatusCode, string(body)
}

// exchange gives all of an authentic reply.
func (s *site) exchange(t testing.TB, url string, f *Fleet, key string) string {
	t.Helper()
	status, raw := s.forgery(f, key).sign(url).send(t, url)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	return raw
}

// TestAttacksAreRefused makes each attack on a server that fills whatever it's asked for: all get 403 and nothing else, each is
// counted, and nothing is filled.
func TestAttacksAreRefused(t *testing.T) {
	fs, ss := fleets(t, 1, nil)
	f, url := fs[0], ss[0].config.Self
	fresh := func() *forgery { return ss[0].forgery(f, "key") }
	for _, c := range []struct {
		name  string
		make  func() *forgery
		count func(*Refused) *int64
	}{
		{"no secret", fresh, func(r *Refused) *int64 { return &r.Unauthenticated }},
		{"wrong secret", func() *forgery {
			g := fresh()
			g.keys = newKeys(bytes.Repeat([]byte("x"), 32))
			return g.sign(url)
		}, func(r *Refused) *int64 { return &r.Unauthenticated }},
		{"garbage for a ticket", func() *forgery {
			g := fresh().sign(url)
			g.header = authScheme + strings.Repeat("A", len(g.header)-len(authScheme))
			return g
		}, func(r *Refused) *int64 { return &r.Unauthenticated }},
		{
			"short ticket", func() *forgery { g := fresh(); g.header = authScheme + "AAAA"; return g },
			func(r *Refused) *int64 { return &r.Unauthenticated },
		},
		{
			"for another peer", func() *forgery { return fresh().sign("http://10.0.0.1:1") },
			func(r *Refused) *int64 { return &r.Unauthenticated },
		},
		{
			"altered path", func() *forgery { g := fresh().sign(url); g.target = pathPing; return g },
			func(r *Refused) *int64 { return &r.Unauthenticated },
		},
		{
			"altered method", func() *forgery { g := fresh().sign(url); g.method = http.MethodPut; return g },
			func(r *Refused) *int64 { return &r.Unauthenticated },
		},
		{
			"added query", func() *forgery { g := fresh().sign(url); g.target += "?a"; return g },
			func(r *Refused) *int64 { return &r.Unauthenticated },
		},
		{
			"altered body", func() *forgery { g := fresh().sign(url); g.body[len(g.body)-1] ^= 1; return g },
			func(r *Refused) *int64 { return &r.Altered },
		},
		{"altered time", func() *forgery {
			g := fresh().sign(url)
			g.ticket.made++
			g.header = g.ticket.header()
			return g
		}, func(r *Refused) *int64 { return &r.Unauthenticated }},
		{"altered nonce", func() *forgery {
			g := fresh().sign(url)
			g.ticket.nonce[0]++
			g.header = g.ticket.header()
			return g
		}, func(r *Refused) *int64 { return &r.Unauthenticated }},
		{
			"old", func() *forgery { g := fresh(); g.made = g.made.Add(-window - time.Second); return g.sign(url) },
			func(r *Refused) *int64 { return &r.OutOfTime },
		},
		{
			"from the future", func() *forgery { g := fresh(); g.made = g.made.Add(window + time.Minute); return g.sign(url) },
			func(r *Refused) *int64 { return &r.OutOfTime },
		},
		{
			"made before the start", func() *forgery { g := fresh(); g.made = started.Add(-time.Second); return g.sign(url) },
			func(r *Refused) *int64 { return &r.OutOfTime },
		},
		{"replayed", func() *forgery {
			g := fresh()
			g.target, g.body = pathPing, nil
			if status, _ := g.sign(url).send(t, url); status != http.StatusOK {
				t.Errorf("the first time: %d", status)
			}
			return g
		}, func(r *Refused) *int64 { return &r.Replayed }},
		{
			"oversized", func() *forgery { g := fresh(); g.body = make([]byte, mostBody+1); return g.sign(url) },
			func(r *Refused) *int64 { return &r.Oversized },
		},
		{
			"another version", func() *forgery { g := fresh(); g.target = "/pgcache/2/fetch"; return g.sign(url) },
			func(r *Refused) *int64 { return &r.BadVersion },
		},
		{
			"elsewhere", func() *forgery { g := fresh(); g.target = "/metrics"; return g.sign(url) },
			func(r *Refused) *int64 { return &r.Unauthenticated },
		},
		{"stream without secret", func() *forgery {
			g := fresh()
			g.method, g.target, g.body = http.MethodGet, pathStream+"x/changes", nil
			return g
		}, func(r *Refused) *int64 { return &r.Unauthenticated }},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := c.make()
			want := f.Stats().Refused
			*c.count(&want)++
			status, body := g.send(t, url)
			if status != http.StatusForbidden || body != "" {
				t.Errorf("status %d, body %q", status, body)
			}
			if got := f.Stats().Refused; got != want {
				t.Errorf("counted %+v, want %+v", got, want)
			}
		})
	}
	if ss[0].fills.Load() != 0 {
		t.Error("something was filled")
	}
	if raw := ss[0].exchange(t, url, f, "key"); !strings.Contains(raw, url+" request") {
		t.Errorf("the very same request, unspoilt, gives %q", raw)
	}
}

// TestBodiesAreBoundedBeforeTheyAreRead sends heads only: the reply must come without their bodies.
func TestBodiesAreBoundedBeforeTheyAreRead(t *testing.T) {
	fs, ss := fleets(t, 1, nil)
	url := ss[0].config.Self
	g := ss[0].forgery(fs[0], "key").sign(url)
	for _, length := range []string{"Content-Length: 9999999999", "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", hostOf(url))
		if err != nil {
			t.Fatal(err)
		}
		g.sign(url)
		_, _ = io.WriteString(conn, "POST "+pathFetch+" HTTP/1.1\r\nHost: x\r\nAuthorization: "+g.header+"\r\n"+length+"\r\n\r\n")
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("got %v, %v", response, err)
		}
		_ = conn.Close()
	}
	if n := fs[0].Stats().Refused.Oversized; n != 2 {
		t.Errorf("%d counted", n)
	}
}

// middleman stands between peers and changes answers.
func middleman(t *testing.T, alter func(reply []byte) []byte) http.RoundTripper {
	t.Helper()
	return middlemanAt(t, func(path string) bool { return path == pathFetch }, alter) // probes get through
}

// middlemanAt changes the replies of some paths.
func middlemanAt(t *testing.T, at func(path string) bool, alter func(reply []byte) []byte) http.RoundTripper {
	t.Helper()
	inner := &http.Transport{}
	t.Cleanup(inner.CloseIdleConnections)
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := inner.RoundTrip(r)
		if err != nil || !at(r.URL.Path) {
			return response, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		body = alter(body)
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return response, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestAlteredRepliesAreNotBelieved changes every byte of a reply, drops its end, adds to it, and passes off one for another.
func TestAlteredRepliesAreNotBelieved(t *testing.T) {
	fs, _ := fleets(t, 2, func(_ int, c *Config) { c.pace.rest = time.Millisecond })
	key := keyOf(t, fs[0])
	p := fs[1].ring.Load().peers[fs[0].config.Self]
	var mu sync.Mutex
	alter := func(b []byte) []byte { return b }
	fs[1].roundTrip = middleman(t, func(b []byte) []byte { mu.Lock(); defer mu.Unlock(); return alter(b) })
	ask := func(change func([]byte) []byte) error {
		mu.Lock()
		alter = change
		mu.Unlock()
		// Past the breaker, which would have the peer rest after the first forgery.
		_, _, err := p.fetch(context.WithValue(t.Context(), probing{}, true), &Call{Key: key, Request: []byte("request"), Patience: time.Minute})
		return err
	}
	var earlier []byte
	if err := ask(func(b []byte) []byte { earlier = bytes.Clone(b); return b }); err != nil {
		t.Fatal(err)
	}
	attack := func(name string, change func([]byte) []byte) {
		var err error
		eventually(t, name, func() bool { err = ask(change); return err != errResting })
		if err == nil {
			t.Errorf("%s: believed", name)
		}
	}
	for i := range earlier {
		attack("altered", func(b []byte) []byte { b[i] ^= 0x10; return b })
	}
	attack("cut short", func(b []byte) []byte { return b[:len(b)-1] })
	attack("empty", func([]byte) []byte { return nil })
	attack("with something added", func(b []byte) []byte { return append(b, 'x') })
	attack("of an earlier request", func([]byte) []byte { return earlier })
	if fs[1].Stats().Forged == 0 {
		t.Error("not counted")
	}
	var err error
	eventually(t, "the peer is asked again", func() bool { err = ask(func(b []byte) []byte { return b }); return err != errResting })
	if err != nil {
		t.Errorf("unaltered: %v", err)
	}
}

// TestWrongSecretFillsHere: a fleet of which one has another secret works, without it.
func TestWrongSecretFillsHere(t *testing.T) {
	fs, ss := fleets(t, 2, func(i int, c *Config) {
		c.Secret = bytes.Repeat([]byte{byte('a' + i)}, 32)
	})
	if _, err := fs[1].Fetch(t.Context(), Call{Key: keyOf(t, fs[0])}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if n := fs[0].Stats().Refused.Unauthenticated; n == 0 || ss[0].fills.Load() != 0 {
		t.Errorf("%d refused", n)
	}
}

func TestAnswersTooLargeForTheWire(t *testing.T) {
	fs, _ := fleets(t, 2, func(i int, c *Config) {
		c.MaxEntry = []int64{1000, 100}[i]
		c.Fill = func(_ context.Context, request []byte) (Filled, error) {
			return Filled{Bytes: request, Keep: true}, nil
		}
	})
	keys := keysOf(t, fs[0], 3)
	for i, size := range []int{100, 101, 1001} {
		_, err := fs[1].Fetch(t.Context(), Call{Key: keys[i], Request: make([]byte, size)})
		if (err == nil) != (i == 0) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if s := fs[0].Stats(); s.Refused.TooLarge != 1 || fs[1].Stats().Resting != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := fs[1].Fetch(t.Context(), Call{Key: keys[0] + "x", Request: make([]byte, mostRequest+1)}); err == nil {
		t.Error("a request that is too large was sent")
	}
}

func TestNoncesStayWithinBound(t *testing.T) {
	now := time.Now()
	n := newNonces(now.Add(-time.Minute), 100)
	taken := func(i int, made time.Time) requestAge {
		return n.take(nonce{byte(i), byte(i >> 8), byte(i >> 16)}, made.UnixMilli(), now)
	}
	early := now.Add(-10 * time.Second)
	for i := range 60 {
		if taken(i, early) != ageFresh {
			t.Fatal("refused")
		}
	}
	for i := range 60 {
		if taken(1000+i, now) != ageFresh {
			t.Fatal("refused")
		}
	}
	if n.count > 100 {
		t.Errorf("%d are remembered", n.count)
	}
	// The early ones are forgotten, so none of them may be taken again, nor what is as old.
	if got := taken(0, early); got != ageOutOfTime {
		t.Errorf("a forgotten one is %v", got)
	}
	if got := taken(1000, now); got != ageReplayed {
		t.Errorf("a remembered one is %v", got)
	}
	now = now.Add(2 * window)
	if taken(5, now) != ageFresh || n.count != 1 {
		t.Errorf("%d are remembered after the window", n.count)
	}
}
