package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// Config says what a [Fleet] is made of.
type Config struct {
	// Self is the URL at which the others reach this process, such as http://10.0.0.1:7700. It has to be among Peers as it is
	// written there, and in a ring that comes from DNS it has to have the address that the name gives.
	Self string
	// Listen is where to listen, as host:port. Default: Self's host and port.
	Listen string
	// Peers are the URLs of all processes, Self included, or one dns://name:port, which is looked up again every Refresh.
	Peers []string
	// Secret authenticates peers, at least 32 bytes. Plain http needs one.
	Secret []byte
	// TLS is what https needs: the certificate of this process, RootCAs that those it asks have to chain to, and ClientCAs that
	// those who ask have to. Without a Secret, certificates are what authenticates peers, and ClientCAs are the RootCAs unless
	// said otherwise. See LoadTLS.
	TLS *tls.Config
	// Timeout is the longest that a peer may keep silent when it is asked. Default: 50 ms.
	Timeout time.Duration
	// Patience is the longest that an answer may take, unless its Call says otherwise, and the longest that this process will
	// work on one for another. Default: 30 s.
	Patience time.Duration
	// CacheBytes bounds what is kept, in bytes of keys and answers. With 0 nothing is.
	CacheBytes int64
	// MaxEntry is the size of the largest answer that goes over the wire, in bytes. Default: 8 MiB.
	MaxEntry int64
	// Group tells Fleets apart that share a process and an address, and must be the same in all processes of one: what is asked
	// in one group never reaches the Fill of another.
	Group string
	// Fill makes an answer. It is called in the process that owns the key, by many goroutines at once, with a context that ends
	// when the patience of the call does or the Fleet is closed; it must return then. What it returns is not looked at but for
	// the error, and must not be changed afterwards.
	Fill func(ctx context.Context, request []byte) (Filled, error)
	// Resolver looks up a dns:// name. Default: net.DefaultResolver.
	Resolver Resolver
	// Refresh is how often a dns:// name is looked up. Default: 5 s.
	Refresh time.Duration
	// Logger is told when peers come, go, fail and recover. Default: slog.Default().
	Logger *slog.Logger

	listener net.Listener     // instead of listening, in tests
	ticks    <-chan time.Time // instead of Refresh, in tests
	pace     pace
}

// Filled is what Config.Fill returns.
type Filled struct {
	Bytes []byte
	// Keep tells whether the answer may be cached. Those who wait for it get it anyway.
	Keep bool
	// At is when the answer began to rest, such as the moment up to which an age inside Bytes counts. Default: when Fill
	// returned.
	At time.Time
}

// Resolver is what looks up names, such as a [net.Resolver].
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// pace is how often things are done that only tests want to do at another rate.
type pace struct {
	beat    time.Duration // how often an owner says that it is at work
	silence time.Duration // the longest that it may say nothing once it has said so
	rest    time.Duration // how long a peer that failed is left alone before it is looked after
}

const (
	leastSecret  = 32
	schemeHTTPS  = "https"
	dnsPrefix    = "dns://"
	earliestBeat = 5 * time.Millisecond // an answer that is there by then needs no beat before it
)

// check fills in what is left out and says what can't be right.
func (c *Config) check() error {
	c.Timeout, c.Patience = orElse(c.Timeout, 50*time.Millisecond), orElse(c.Patience, 30*time.Second)
	c.Refresh, c.MaxEntry = orElse(c.Refresh, 5*time.Second), orElse(c.MaxEntry, 8<<20)
	c.pace.beat, c.pace.rest = orElse(c.pace.beat, 250*time.Millisecond), orElse(c.pace.rest, 500*time.Millisecond)
	c.pace.silence = orElse(c.pace.silence, c.Timeout+4*c.pace.beat)
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Fill == nil {
		return errors.New("pgcache: a peer needs a Fill")
	}
	if c.MaxEntry > 1<<30 {
		return fmt.Errorf("pgcache: %d bytes are too large an answer for a peer", c.MaxEntry)
	}
	if err := c.checkURLs(); err != nil {
		return err
	}
	return c.checkGuards()
}

func orElse[T ~int64](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

func (c *Config) checkURLs() (err error) {
	if c.Self, err = normalize(c.Self); err != nil {
		return err
	}
	if c.Listen == "" {
		c.Listen = hostOf(c.Self)
	}
	if len(c.Peers) == 1 && strings.HasPrefix(c.Peers[0], dnsPrefix) {
		if _, _, err := net.SplitHostPort(c.dnsName()); err != nil {
			return fmt.Errorf("pgcache: peer %q: %w", c.Peers[0], err)
		}
		return nil
	}
	c.Peers = slices.Clone(c.Peers)
	for i, peer := range c.Peers {
		if c.Peers[i], err = normalize(peer); err != nil {
			return err
		}
	}
	if !slices.Contains(c.Peers, c.Self) {
		return fmt.Errorf("pgcache: %q is not among the peers %q", c.Self, c.Peers)
	}
	return nil
}

// dnsName is the host:port to look up, or empty if the peers are given by their URLs.
func (c *Config) dnsName() string {
	name, found := strings.CutPrefix(c.Peers[0], dnsPrefix)
	if !found {
		return ""
	}
	return name
}

// normalize makes URLs of one peer alike, since it is their text that makes the ring.
func normalize(peer string) (string, error) {
	peer = strings.ToLower(strings.TrimSuffix(peer, "/"))
	u, err := url.Parse(peer)
	switch {
	case err != nil, u.User != nil: // such an error would show the password
		return "", errors.New("pgcache: the URL of a peer is malformed, or has a user")
	case u.Scheme != "http" && u.Scheme != schemeHTTPS, u.Port() == "", u.Hostname() == "", u.Path+u.RawQuery+u.Fragment != "":
		return "", fmt.Errorf("pgcache: the URL of a peer must be http://host:port or https://host:port, not %q", peer)
	}
	return peer, nil
}

// hostOf is the host:port of a normalized URL.
func hostOf(peer string) string {
	_, host, _ := strings.Cut(peer, "://")
	return host
}

// checkGuards sees to it that nobody can be a peer without being authenticated.
func (c *Config) checkGuards() error {
	plain, guarded := false, false
	for _, peer := range append(slices.Clone(c.Peers), c.Self) {
		plain = plain || strings.HasPrefix(peer, "http://")
		guarded = guarded || strings.HasPrefix(peer, "https://")
	}
	switch {
	case len(c.Secret) > 0 && len(c.Secret) < leastSecret:
		return fmt.Errorf("pgcache: the secret of peers has %d bytes, at least %d are needed", len(c.Secret), leastSecret)
	case plain && len(c.Secret) == 0:
		return errors.New("pgcache: peers with plain http need a secret")
	case plain && guarded:
		return errors.New("pgcache: peers must be all http or all https")
	case !guarded:
		return nil
	case c.TLS == nil || len(c.TLS.Certificates) == 0 && c.TLS.GetCertificate == nil:
		return errors.New("pgcache: peers with https need a certificate")
	case len(c.Secret) == 0 && c.authority() == nil:
		return errors.New("pgcache: peers with https and no secret need the authority of their certificates")
	}
	return nil
}

// secure reports whether peers are reached by https.
func (c *Config) secure() bool { return strings.HasPrefix(c.Self, "https://") }

// authority is what the certificates of those who ask have to chain to, or nil if the secret is all that they need.
func (c *Config) authority() *x509.CertPool {
	if c.TLS.ClientCAs != nil || len(c.Secret) > 0 {
		return c.TLS.ClientCAs
	}
	return c.TLS.RootCAs
}

// guardedLike reports whether both take the same peers for authentic.
func (c *Config) guardedLike(other *Config) bool {
	if !bytes.Equal(c.Secret, other.Secret) || c.secure() != other.secure() {
		return false
	}
	if !c.secure() || c.TLS == other.TLS {
		return true
	}
	mine, others := c.authority(), other.authority()
	return (mine == others || mine != nil && others != nil && mine.Equal(others)) &&
		slices.EqualFunc(c.TLS.Certificates, other.TLS.Certificates, func(a, b tls.Certificate) bool {
			return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
		})
}

// LoadTLS makes a Config's TLS from files in PEM: the certificate and key of this process, and the authority that has signed
// the peers' certificates.
func LoadTLS(certFile, keyFile, authorityFile string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("pgcache: certificate of this peer: %w", err)
	}
	pem, err := os.ReadFile(authorityFile)
	if err != nil {
		return nil, fmt.Errorf("pgcache: authority of peers: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("pgcache: authority of peers: no certificate in %s", authorityFile)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, ClientCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// ReadSecret reads a Config's Secret from a file: all of it, without blanks and newlines at its ends.
func ReadSecret(file string) ([]byte, error) {
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("pgcache: secret of peers: %w", err)
	}
	secret = bytes.TrimSpace(secret)
	if len(secret) < leastSecret {
		return nil, fmt.Errorf("pgcache: secret of peers: %s has %d bytes, at least %d are needed", file, len(secret), leastSecret)
	}
	return secret, nil
}
