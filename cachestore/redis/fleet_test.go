package redis

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopgcache/pgcache/internal/testenv"
)

// When the master dies, Sentinel's choice of a new one is followed, and no mark comes again.
func TestSentinelFailover(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sentinel, err := testenv.StartRedisSentinel(ctx, testenv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sentinel.Close(); err != nil {
			t.Error(err)
		}
	})
	s := open(t, Config{URL: sentinel.URL(), Timeout: 500 * time.Millisecond})
	eventually(t, "put", func() bool { return s.Put(t.Context(), keyOf(1), entryOf("one")) == nil })
	before, _ := readMark(t, s, 1)
	replica := raw(t, sentinel.Replica.URL())
	eventually(t, "replicated", func() bool { return replica.Exists(t.Context(), s.names.tag(1).version).Val() == 1 })
	if err := sentinel.Master.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var after uint64
	eventually(t, "the new master is read", func() bool {
		var err error
		after, _, err = s.Read(t.Context(), []uint64{1})
		return err == nil
	})
	if after == before {
		t.Error("a mark of the old master came again")
	}
	eventually(t, "put again", func() bool { return s.Put(t.Context(), keyOf(1), entryOf("two")) == nil })
	want(t, s, keyOf(1), "two")
}

// authority makes certificates for servers and clients on this machine.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	dir         string
}

func newAuthority(t *testing.T, dir string) *authority {
	t.Helper()
	a := &authority{dir: dir}
	a.certificate = &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.key = a.issue(t, "ca", a.certificate)
	return a
}

// issue writes a certificate and its key into files, signed by the authority, or by itself if it is the authority's.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, name+".crt", "CERTIFICATE", der)
	a.write(t, name+".key", "PRIVATE KEY", secret)
	return key
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(a.dir, name), text, 0o644); err != nil { // the server runs as another user
		t.Fatal(err)
	}
}

func (a *authority) issueFor(t *testing.T, name string, usage x509.ExtKeyUsage) {
	t.Helper()
	a.issue(t, name, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"redis.example"}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	})
}

// secureRedis gives a server a TLS port, and returns its address and the directory of the certificates.
func secureRedis(t *testing.T) (server *testenv.Redis, address, dir string) {
	t.Helper()
	server = ownRedis(t)
	dir = server.Dir()
	a := newAuthority(t, dir)
	a.issueFor(t, "server", x509.ExtKeyUsageServerAuth)
	a.issueFor(t, "client", x509.ExtKeyUsageClientAuth)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := raw(t, server.URL()).Do(t.Context(), "config", "set", "tls-cert-file", in("server.crt"), "tls-key-file", in("server.key"),
		"tls-ca-cert-file", in("ca.crt"), "tls-auth-clients", "yes", "tls-port", port).Err(); err != nil {
		t.Fatalf("redis-server takes no TLS, it may have been built without: %v", err)
	}
	return server, "127.0.0.1:" + port, dir
}

func TestTLS(t *testing.T) {
	server, address, dir := secureRedis(t)
	stranger := newAuthority(t, t.TempDir())
	for _, c := range []struct {
		name, query string
		works       bool
	}{
		{"both know each other", "ca_file=DIR/ca.crt&cert_file=DIR/client.crt&key_file=DIR/client.key", true},
		{"another name of the server", "ca_file=DIR/ca.crt&cert_file=DIR/client.crt&key_file=DIR/client.key&server_name=redis.example", true},
		{"a name that isn't the server's", "ca_file=DIR/ca.crt&cert_file=DIR/client.crt&key_file=DIR/client.key&server_name=other.example", false},
		{"the server isn't trusted", "ca_file=STRANGER/ca.crt&cert_file=DIR/client.crt&key_file=DIR/client.key", false},
		{"nobody is trusted", "cert_file=DIR/client.crt&key_file=DIR/client.key", false},
		{"the client isn't known", "ca_file=DIR/ca.crt", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := strings.NewReplacer("DIR", dir, "STRANGER", stranger.dir).Replace(c.query)
			s := open(t, Config{URL: fmt.Sprintf("rediss://:%s@%s?%s", server.Password(), address, query)})
			err := s.Put(t.Context(), keyOf(1), entryOf("one"))
			if (err == nil) != c.works {
				t.Fatalf("error %v", err)
			}
			if c.works {
				want(t, s, keyOf(1), "one")
			}
		})
	}
}
