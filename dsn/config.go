package dsn

import (
	"log/slog"
	"time"
)

// The defaults of parameters that are not enums.
const (
	DefaultMemory      int64 = 64 << 20 // bytes
	DefaultMaxEntry    int64 = 8 << 20  // bytes
	DefaultTimeout           = 50 * time.Millisecond
	DefaultPublication       = "pgcache"
)

// Config is what a connection string says. [Parse] makes it and fills in the
// defaults. In a Config made by hand a zero field means "not set"; of Memory,
// MaxEntry, Timeout and Publication that is not yet the default: start from
// Parse("").
//
// A Config is not to be changed while others read it.
type Config struct {
	// Base is the connection string without our parameters, for pgx. It may
	// hold a password.
	Base string

	Mode      Mode   // pgcache
	Rules     []Rule // pgcache_rule in order, then the rules file's; the first match wins
	RulesFile string // pgcache_rules_file

	Store        Store  // pgcache_store
	Memory       int64  // pgcache_memory: bytes that the memory tier may hold
	Redis        string // pgcache_redis: a URL, which may hold a password
	RedisKeyFile string // pgcache_redis_key_file

	Peers          []string // pgcache_peers: URLs, the own one included, or one dns:// name
	PeerSelf       string   // pgcache_peer_self: the own URL
	PeerListen     string   // pgcache_peer_listen: host:port
	PeerSecretFile string   // pgcache_peer_secret_file
	PeerTLSCert    string   // pgcache_peer_tls_cert: a file
	PeerTLSKey     string   // pgcache_peer_tls_key: a file
	PeerTLSCA      string   // pgcache_peer_tls_ca: a file

	Feed        Feed        // pgcache_feed
	Publication string      // pgcache_publication: what FeedWAL reads
	Consistency Consistency // pgcache_consistency
	Tx          Tx          // pgcache_tx

	Namespace string        // pgcache_namespace: prefix of keys in shared stores
	MaxEntry  int64         // pgcache_max_entry: larger results, in bytes, are not kept
	Timeout   time.Duration // pgcache_timeout: the longest a store or a peer may hold up a query
}

// defaults is the Config of a string without our parameters.
func defaults() *Config {
	return &Config{
		Memory:      DefaultMemory,
		Publication: DefaultPublication,
		MaxEntry:    DefaultMaxEntry,
		Timeout:     DefaultTimeout,
	}
}

// Enabled reports whether caching is in effect. If not, nothing but pgx is
// wanted.
func (c *Config) Enabled() bool {
	return c.Mode == ModeOn && len(c.Rules) > 0 || c.Mode == ModeObserve
}

// String gives the connection string without its passwords.
func (c *Config) String() string { return Redact(c.Format()) }

// GoString is String: %#v prints no password either.
func (c *Config) GoString() string { return c.String() }

// LogValue keeps passwords out of logs.
func (c *Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
