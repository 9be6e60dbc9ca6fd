package redis

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
)

// DefaultTimeout is what bounds an operation when Config.Timeout is zero.
const DefaultTimeout = 50 * time.Millisecond

// Config says where Redis is and how to use it. The zero value of everything but URL is useful.
type Config struct {
	// URL names the servers: redis://, rediss:// (TLS) or unix://, see the package documentation.
	URL string
	// KeyFile is the path of a file that holds a key of 32 bytes, raw, in hex or in base64. With it, values are encrypted and
	// authenticated, and values that aren't are not taken. Empty: values are stored as they are.
	KeyFile string
	// Namespace is what the name of each key and channel starts with, so that several fleets can use one Redis.
	Namespace string
	// Scope names the server and the database whose writes the ledger is about. Stores with different scopes share neither
	// ledger nor leases.
	Scope string
	// Timeout bounds every operation, dialing and waiting for a connection included. Zero stands for DefaultTimeout.
	Timeout time.Duration
	// TLS is what rediss:// starts from; nil stands for the system's certificate authorities.
	TLS *tls.Config
	// Logger is told, at most once a minute, that Redis can't be used; nil stands for slog.Default().
	Logger *slog.Logger
}

func (c *Config) timeout() time.Duration {
	if c.Timeout <= 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c *Config) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

// keyBytes is the length of the key that seals values: AES-256.
const keyBytes = 32

// readKey reads a key file. Its errors never show what is in it.
func readKey(path string) ([]byte, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the path is the user's own setting
	if err != nil {
		return nil, fmt.Errorf("pgcache: Redis key file: %w", err)
	}
	if len(content) == keyBytes {
		return content, nil
	}
	text := strings.TrimSpace(string(content))
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.StdEncoding.DecodeString, base64.RawStdEncoding.DecodeString,
		base64.URLEncoding.DecodeString, base64.RawURLEncoding.DecodeString,
	} {
		if key, err := decode(text); err == nil && len(key) == keyBytes {
			return key, nil
		}
	}
	return nil, errors.New("pgcache: Redis key file: it must hold 32 bytes, raw, in hex or in base64, as from: openssl rand -hex 32")
}
