package dsn

import (
	"encoding"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gopgcache/pgcache/internal/duration"
)

// parameter is one parameter of a connection string. Reading and writing stand
// side by side, so that neither can know a parameter that the other forgets.
type parameter struct {
	name       string
	repeatable bool
	read       func(c *Config, value string) error
	write      func(c *Config) []string // nothing for the default
}

// parameters are all of them, in the order in which Format writes them.
var parameters = []parameter{
	enum[Mode]("pgcache", func(c *Config) *Mode { return &c.Mode }),
	{name: "pgcache_rule", repeatable: true, read: readRule, write: writeRules},
	text("pgcache_rules_file", func(c *Config) *string { return &c.RulesFile }, checkPath),
	enum[Store]("pgcache_store", func(c *Config) *Store { return &c.Store }),
	size("pgcache_memory", func(c *Config) *int64 { return &c.Memory }, DefaultMemory, leastMemory, mostMemory),
	text("pgcache_redis", func(c *Config) *string { return &c.Redis }, checkRedis),
	text("pgcache_redis_key_file", func(c *Config) *string { return &c.RedisKeyFile }, checkPath),
	{name: "pgcache_peers", read: readPeers, write: writePeers},
	text("pgcache_peer_self", func(c *Config) *string { return &c.PeerSelf }, checkPeer),
	text("pgcache_peer_listen", func(c *Config) *string { return &c.PeerListen }, checkListen),
	text("pgcache_peer_secret_file", func(c *Config) *string { return &c.PeerSecretFile }, checkPath),
	text("pgcache_peer_tls_cert", func(c *Config) *string { return &c.PeerTLSCert }, checkPath),
	text("pgcache_peer_tls_key", func(c *Config) *string { return &c.PeerTLSKey }, checkPath),
	text("pgcache_peer_tls_ca", func(c *Config) *string { return &c.PeerTLSCA }, checkPath),
	enum[Feed]("pgcache_feed", func(c *Config) *Feed { return &c.Feed }),
	publication(),
	enum[Consistency]("pgcache_consistency", func(c *Config) *Consistency { return &c.Consistency }),
	enum[Tx]("pgcache_tx", func(c *Config) *Tx { return &c.Tx }),
	text("pgcache_namespace", func(c *Config) *string { return &c.Namespace }, checkNamespace),
	size("pgcache_max_entry", func(c *Config) *int64 { return &c.MaxEntry }, DefaultMaxEntry, 1, mostEntry),
	timeout(),
}

// The bounds. A memory tier below the least could hold nothing; PostgreSQL
// sends no value above 1 GiB.
const (
	leastMemory int64 = 4 << 10
	mostMemory  int64 = 1 << 40
	mostEntry   int64 = 1 << 30
	mostTimeout       = time.Minute
)

var parameterNames = func() []string {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = p.name
	}
	return names
}()

// enum makes the parameter of an enum whose zero value is the default.
func enum[T interface {
	~uint8
	String() string
}, P interface {
	*T
	encoding.TextUnmarshaler
}](name string, field func(*Config) *T,
) parameter {
	return parameter{
		name: name,
		read: func(c *Config, value string) error { return P(field(c)).UnmarshalText([]byte(value)) },
		write: func(c *Config) []string {
			if v := *field(c); v != 0 {
				return []string{v.String()}
			}
			return nil
		},
	}
}

// text makes a parameter that is kept as it is written.
func text(name string, field func(*Config) *string, check func(string) error) parameter {
	return parameter{
		name: name,
		read: func(c *Config, value string) error {
			*field(c) = value
			return check(value)
		},
		write: func(c *Config) []string { return unless(*field(c), "") },
	}
}

// size makes a parameter in bytes, within bounds.
func size(name string, field func(*Config) *int64, usual, least, most int64) parameter {
	return parameter{
		name: name,
		read: func(c *Config, value string) error {
			n, err := parseSize(value)
			if err == nil && (n < least || n > most) {
				err = reasonf("must lie between %s and %s", formatSize(least), formatSize(most)).meaning(withUnit(value, "MiB"))
			}
			*field(c) = n
			return err
		},
		write: func(c *Config) []string {
			if n := *field(c); n != 0 && n != usual {
				return []string{formatSize(n)}
			}
			return nil
		},
	}
}

func publication() parameter {
	p := text("pgcache_publication", func(c *Config) *string { return &c.Publication }, checkName)
	p.write = func(c *Config) []string { return unless(c.Publication, DefaultPublication) }
	return p
}

func timeout() parameter {
	return parameter{
		name: "pgcache_timeout",
		read: func(c *Config, value string) (err error) {
			if isDigits(value) {
				return notDuration().meaning(withUnit(value, "ms"))
			}
			c.Timeout, err = parseDuration(value)
			if err == nil && (c.Timeout <= 0 || c.Timeout > mostTimeout) {
				err = reasonf("must be more than zero and at most %s", duration.Format(mostTimeout))
			}
			return err
		},
		write: func(c *Config) []string {
			if c.Timeout == 0 || c.Timeout == DefaultTimeout {
				return nil
			}
			return []string{duration.Format(c.Timeout)}
		},
	}
}

func readRule(c *Config, value string) error {
	r, err := parseRule(value, false)
	if err != nil {
		return err
	}
	return c.addRule(r)
}

// writeRules leaves out the rules of the file: they come back with the file.
func writeRules(c *Config) []string {
	var rules []string
	for _, r := range c.Rules {
		if r.Source == "" {
			rules = append(rules, r.String())
		}
	}
	return rules
}

func readPeers(c *Config, value string) (err error) {
	c.Peers, err = parsePeers(value)
	return err
}

func writePeers(c *Config) []string { return unless(strings.Join(c.Peers, ","), "") }

func unless(value, usual string) []string {
	if value == "" || value == usual {
		return nil
	}
	return []string{value}
}

func checkPath(string) error { return nil }

// checkName takes what PostgreSQL can have as a name.
func checkName(value string) error {
	if len(value) > longestIdentifier {
		return reasonf("is longer than PostgreSQL's %d bytes for a name", longestIdentifier)
	}
	return nil
}

// longestNamespace keeps keys short, in bytes.
const longestNamespace = 64

// checkNamespace takes what can stand in a key of any store.
func checkNamespace(value string) error {
	odd := func(r rune) bool { return !isNameRune(r) && r != '.' && r != ':' }
	if len(value) > longestNamespace || strings.IndexFunc(value, odd) >= 0 {
		return reasonf("must be at most %d letters, digits, _, -, . and :", longestNamespace)
	}
	return nil
}

// checkValue is what every value must satisfy.
func checkValue(name, value string) error {
	switch {
	case !utf8.ValidString(value):
		return reasonf("is not valid UTF-8")
	case strings.ContainsRune(value, 0):
		return reasonf("has a NUL byte")
	case value == "" && name != "pgcache_namespace":
		return reasonf("is empty")
	}
	return nil
}
