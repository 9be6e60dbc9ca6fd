package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	der  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, der}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	cert, _ := x509.ParseCertificate(a.der)
	pool.AddCert(cert)
	return pool
}

// sign makes a certificate for a host, or an address.
func (a *authority) sign(t testing.TB, host string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(host); ip != nil {
		cert.IPAddresses = []net.IP{ip}
	} else {
		cert.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) config(t testing.TB, host string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{a.sign(t, host)}, RootCAs: a.pool(), MinVersion: tls.VersionTLS12}
}

func (a *authority) files(t testing.TB, dir, host string) (cert, key, ca string) {
	t.Helper()
	signed := a.sign(t, host)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(signed.PrivateKey)
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert", "CERTIFICATE", signed.Certificate[0]), write("key", "PRIVATE KEY", pkcs8), write("ca", "CERTIFICATE", a.der)
}

// secureSites are sites with https.
func secureSites(t testing.TB, n int, secret []byte, conf func(i int) *tls.Config) []*site {
	ss := sites(t, n)
	urls := make([]string, n)
	for i, s := range ss {
		urls[i] = "https://" + hostOf(s.config.Self)
		s.config.Self, s.config.Secret, s.config.TLS = urls[i], secret, conf(i)
	}
	for _, s := range ss {
		s.config.Peers = urls
	}
	return ss
}

// TestCertificatesAuthenticate has peers without a secret, with one, and one whose certificate is of another authority.
func TestCertificatesAuthenticate(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	for _, secret := range [][]byte{nil, testSecret} {
		ss := secureSites(t, 3, secret, func(i int) *tls.Config {
			conf := a.config(t, "127.0.0.1")
			conf.ClientCAs = conf.RootCAs
			if i == 2 {
				conf.Certificates[0] = stranger.sign(t, "127.0.0.1")
			}
			return conf
		})
		fs := []*Fleet{ss[0].open(t), ss[1].open(t), ss[2].open(t)}
		for i, want := range map[int]bool{1: true, 2: false} {
			answer, err := fs[i].Fetch(t.Context(), Call{Key: keyOf(t, fs[0]), Request: []byte("q")})
			if want && (err != nil || string(answer.Bytes) != ss[0].config.Self+" q") || !want && !errors.Is(err, ErrUnavailable) {
				t.Errorf("peer %d got %q, %v", i, answer.Bytes, err)
			}
		}
		if n := fs[0].Stats().Refused.Unauthenticated; n == 0 {
			t.Error("the stranger was not counted")
		}
		// Who stands in for the stranger may be the third.
		answer, err := fs[0].Fetch(t.Context(), Call{Key: keyOf(t, fs[2])})
		if !errors.Is(err, ErrUnavailable) && string(answer.Bytes) != ss[1].config.Self+" " || ss[2].fills.Load() != 0 {
			t.Errorf("a stranger's answer is believed: %q, %v", answer.Bytes, err)
		}
	}
}

// TestStrangersOverTLS have no certificate; a secret without certificates is fine where only the secret counts.
func TestStrangersOverTLS(t *testing.T) {
	a := newAuthority(t)
	ss := secureSites(t, 1, nil, func(int) *tls.Config { return a.config(t, "127.0.0.1") })
	f := ss[0].open(t)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool(), MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	r, _ := http.NewRequest(http.MethodPost, ss[0].config.Self+pathPing, http.NoBody)
	if response, err := transport.RoundTrip(r); err == nil {
		t.Errorf("a stranger got %d", response.StatusCode)
	}
	if n := f.Stats().Refused.Unauthenticated; n != 1 {
		t.Errorf("%d counted", n)
	}
}

func TestSecretOverTLSWithoutClientCertificates(t *testing.T) {
	a := newAuthority(t)
	ss := secureSites(t, 2, testSecret, func(int) *tls.Config { return a.config(t, "127.0.0.1") })
	fs := []*Fleet{ss[0].open(t), ss[1].open(t)}
	if _, err := fs[1].Fetch(t.Context(), Call{Key: keyOf(t, fs[0])}); err != nil {
		t.Error(err)
	}
	stranger := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool(), MinVersion: tls.VersionTLS12}}
	defer stranger.CloseIdleConnections()
	r, _ := http.NewRequest(http.MethodPost, ss[0].config.Self+pathPing, http.NoBody)
	response, err := stranger.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusForbidden || len(body) > 0 {
		t.Errorf("a stranger got %d, %q", response.StatusCode, body)
	}
}

// TestNamedPeersShowTheirName: peers that DNS gives have certificates for the name, not for addresses.
func TestNamedPeersShowTheirName(t *testing.T) {
	a, ns := newAuthority(t), make(names, 2)
	ss := secureSites(t, 2, nil, func(int) *tls.Config { return a.config(t, "peers.test") })
	_, port, _ := net.SplitHostPort(hostOf(ss[0].config.Self))
	owner := ss[0].open(t)
	ss[1].config.Peers, ss[1].config.Resolver = []string{"dns://peers.test:" + port}, ns
	ns <- func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil }
	asker := ss[1].open(t)
	if got := strings.Join(asker.Peers(), ","); got != strings.Join(owner.Peers(), ",") {
		t.Fatalf("peers %s", got)
	}
	if _, err := asker.Fetch(t.Context(), Call{Key: keyOf(t, owner)}); err != nil {
		t.Error(err)
	}
}
