package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestConfigThatCantBeRight(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string // part of the error
	}{
		{"no fill", func(c *Config) { c.Fill = nil }, "Fill"},
		{"plain http without a secret", func(c *Config) { c.Secret = nil }, "need a secret"},
		{"short secret", func(c *Config) { c.Secret = testSecret[:31] }, "31 bytes"},
		{"not among the peers", func(c *Config) { c.Self = "http://127.0.0.1:1" }, "not among"},
		{"no port", func(c *Config) { c.Self = "http://127.0.0.1" }, "must be http"},
		{"a path", func(c *Config) { c.Peers = []string{c.Self, "http://a:1/x"} }, "must be http"},
		{"a password", func(c *Config) { c.Peers = []string{c.Self, "http://u:hunter2@a:1"} }, "has a user"},
		{"another scheme", func(c *Config) { c.Self = "ftp://a:1" }, "must be http"},
		{"dns without a port", func(c *Config) { c.Peers = []string{"dns://peers"} }, "missing port"},
		{"both schemes", func(c *Config) { c.Peers = []string{c.Self, "https://a:1"} }, "all http or all https"},
		{"https without a certificate", func(c *Config) { c.Self, c.Peers = "https://a:1", []string{"https://a:1"} }, "certificate"},
		{"https without an authority", func(c *Config) {
			c.Self, c.Peers, c.Secret = "https://a:1", []string{"https://a:1"}, nil
			c.TLS = &tls.Config{Certificates: make([]tls.Certificate, 1)}
		}, "authority"},
		{"an address that can't be listened on", func(c *Config) { c.listener, c.Listen = nil, "192.0.2.1:1" }, "listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := sites(t, 1)[0].config
			defer config.listener.Close()
			c.change(&config)
			f, err := Open(config)
			if err == nil {
				_ = f.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "pgcache:") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %q, want %q", err, c.want)
			}
		})
	}
}

// TestAddressInUse is about what isn't ours: another process has the address.
func TestAddressInUse(t *testing.T) {
	s := sites(t, 1)[0]
	defer s.config.listener.Close()
	config := s.config
	config.listener = nil
	if f, err := Open(config); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v, %v", f, err)
	}
}

// TestFleetsOfOneProcess may share an address, if they agree who may ask.
func TestFleetsOfOneProcess(t *testing.T) {
	s := sites(t, 1)[0]
	first := s.open(t)
	for name, change := range map[string]func(*Config){
		"secret":   func(c *Config) { c.Secret = []byte(strings.Repeat("y", 40)) },
		"own name": func(c *Config) { c.Self = "http://localhost:1"; c.Peers = []string{c.Self} },
	} {
		config := s.config
		change(&config)
		if f, err := Open(config); !errors.Is(err, ErrCollision) {
			t.Errorf("another %s: %v, %v", name, f, err)
		}
	}
	second := s.open(t) // the same group: takes over when the first closes
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if raw := s.exchange(t, s.config.Self, second, "key"); !strings.Contains(raw, "request") {
		t.Errorf("got %q", raw)
	}
	if n := second.Stats().Served; n != 1 {
		t.Errorf("%d served", n)
	}
}

// names is a Resolver that gives what it is told to.
type names chan func() ([]netip.Addr, error)

func (n names) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	if host != "peers.test" {
		return nil, errors.New("another name is asked for")
	}
	select {
	case next := <-n:
		return next()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func addresses(all ...string) func() ([]netip.Addr, error) {
	return func() (found []netip.Addr, err error) {
		for _, a := range all {
			found = append(found, netip.MustParseAddr(a))
		}
		return found, nil
	}
}

// TestNameIsFollowed has the name of the peers stand for others in the course of time.
func TestNameIsFollowed(t *testing.T) {
	s, ns, ticks := sites(t, 1)[0], make(names, 1), make(chan time.Time)
	_, port, _ := net.SplitHostPort(hostOf(s.config.Self))
	s.config.Peers, s.config.Resolver, s.config.ticks = []string{"dns://peers.test:" + port}, ns, ticks
	ns <- addresses("127.0.0.1", "10.0.0.9")
	f := s.open(t)
	check := func(want ...string) {
		t.Helper()
		for i := range want {
			want[i] = "http://" + want[i] + ":" + port
		}
		eventually(t, strings.Join(want, ","), func() bool { return strings.Join(f.Peers(), ",") == strings.Join(want, ",") })
	}
	check("10.0.0.9", "127.0.0.1")
	kept := f.ring.Load().peers["http://10.0.0.9:"+port]
	for _, step := range []struct {
		gives func() ([]netip.Addr, error)
		want  []string
	}{
		{addresses("::ffff:127.0.0.1", "10.0.0.9", "10.0.0.1"), []string{"10.0.0.1", "10.0.0.9", "127.0.0.1"}},
		{addresses("10.0.0.9", "fd00::1"), []string{"10.0.0.9", "127.0.0.1", "[fd00::1]"}}, // this process always counts
		{func() ([]netip.Addr, error) { return nil, errors.New("no such host") }, []string{"10.0.0.9", "127.0.0.1", "[fd00::1]"}},
		{addresses(), []string{"10.0.0.9", "127.0.0.1", "[fd00::1]"}},
		{addresses("127.0.0.1", "10.0.0.9"), []string{"10.0.0.9", "127.0.0.1"}},
	} {
		ns <- step.gives
		ticks <- time.Time{}
		check(step.want...)
	}
	if f.ring.Load().peers["http://10.0.0.9:"+port] != kept {
		t.Error("what was known of a peer is forgotten")
	}
}

// TestNameThatIsNotThereYet: a process that comes up alone works alone.
func TestNameThatIsNotThereYet(t *testing.T) {
	s, ns := sites(t, 1)[0], make(names, 1)
	s.config.Peers, s.config.Resolver = []string{"dns://peers.test:1"}, ns
	ns <- func() ([]netip.Addr, error) { return nil, errors.New("no such host") }
	f := s.open(t)
	if _, err := f.Fetch(t.Context(), Call{Key: "any"}); !errors.Is(err, ErrOwn) {
		t.Errorf("got %v", err)
	}
}

// TestRingIsTheSameEverywhere pins owners down: a change of this table splits fleets of two versions.
func TestRingIsTheSameEverywhere(t *testing.T) {
	urls := []string{"http://10.0.0.1:7700", "http://10.0.0.2:7700", "http://10.0.0.3:7700"}
	r := newRing(urls)
	var got strings.Builder
	for _, key := range []string{"", "a", "b", "c", "d", "e", "f", "g"} {
		got.WriteString(strings.TrimSuffix(strings.TrimPrefix(r.owner(key), "http://10.0.0."), ":7700"))
	}
	if want := "31112121"; got.String() != want {
		t.Errorf("owners %s, want %s", got.String(), want)
	}
	same := newRing([]string{urls[2], urls[0], urls[1], urls[0]})
	shares := map[string]int{}
	for i := range 30_000 {
		key := string(rune(i)) + "key"
		if r.owner(key) != same.owner(key) {
			t.Fatal("the order of the peers matters")
		}
		shares[r.owner(key)]++
	}
	for url, share := range shares {
		if share < 7_500 || share > 12_500 {
			t.Errorf("%s owns %d of 30000", url, share)
		}
	}
	if r.sum != same.sum || r.sum == newRing(urls[:2]).sum {
		t.Error("sums don't tell rings apart")
	}
}

func TestFilesOfSecretAndCertificates(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if secret, err := ReadSecret(write("good", string(testSecret)+"\n")); err != nil || string(secret) != strings.TrimSpace(string(testSecret)) {
		t.Errorf("got %q, %v", secret, err)
	}
	_, err := ReadSecret(write("short", "hunter2\n"))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
	if _, err := ReadSecret(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	a := newAuthority(t)
	cert, key, ca := a.files(t, dir, "127.0.0.1")
	if conf, err := LoadTLS(cert, key, ca); err != nil || len(conf.Certificates) != 1 || conf.ClientCAs == nil {
		t.Errorf("got %v, %v", conf, err)
	}
	for _, files := range [][3]string{{"none", key, ca}, {cert, key, "none"}, {cert, key, key}} {
		if _, err := LoadTLS(files[0], files[1], files[2]); err == nil || !strings.HasPrefix(err.Error(), "pgcache:") {
			t.Errorf("got %v", err)
		}
	}
}
