package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient returns a client for the target that gives up within the timeout: it retries nothing, except that it follows a
// Cluster's redirections. It does not dial.
func newClient(t *target, base *tls.Config, timeout time.Duration) (goredis.UniversalClient, error) {
	quiet.Do(func() { goredis.SetLogger(debugLogger{}) })
	o := &goredis.UniversalOptions{
		Addrs: t.hosts, MasterName: t.master, Username: t.username, Password: t.password, DB: t.database,
		SentinelUsername: t.sentinelUser, SentinelPassword: t.sentinelPassword,
		DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
		ContextTimeoutEnabled: true,
		MaxRetries:            -1, DialerRetries: 1, DialerRetryTimeout: time.Nanosecond,
		MaxRedirects: 3, MinRetryBackoff: time.Millisecond, MaxRetryBackoff: 4 * time.Millisecond,
		PipelinePoolSize: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if t.secure {
		config, err := t.tlsConfig(base)
		if err != nil {
			return nil, err
		}
		o.TLSConfig = config
	}
	switch {
	case t.master != "":
		return goredis.NewFailoverClient(o.Failover()), nil
	case t.cluster:
		cluster := o.Cluster()
		cluster.MaxRetries = -1 // of its nodes: redirections are another matter
		return goredis.NewClusterClient(cluster), nil
	}
	simple := o.Simple()
	if t.socket {
		simple.Network = "unix"
	}
	return goredis.NewClient(simple), nil
}

func (t *target) tlsConfig(base *tls.Config) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		config = base.Clone()
	}
	if t.serverName != "" {
		config.ServerName = t.serverName
	} else if host, _, err := net.SplitHostPort(t.hosts[0]); err == nil && config.ServerName == "" && len(t.hosts) == 1 && t.master == "" {
		config.ServerName = host
	}
	if t.caFile != "" {
		pem, err := os.ReadFile(t.caFile)
		if err != nil {
			return nil, fmt.Errorf("pgcache: Redis: ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("pgcache: Redis: ca_file holds no certificate")
		}
	}
	if t.certFile != "" || t.keyFile != "" {
		certificate, err := tls.LoadX509KeyPair(t.certFile, t.keyFile)
		if err != nil {
			return nil, fmt.Errorf("pgcache: Redis: cert_file, key_file: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// quiet keeps go-redis, whose logger is one for the whole process and writes to standard error, from being noisy: whatever
// matters comes back as an error too.
var quiet sync.Once

type debugLogger struct{}

// Printf passes on what go-redis says, for those who look for it.
func (debugLogger) Printf(ctx context.Context, format string, args ...any) {
	if logger := slog.Default(); logger.Enabled(ctx, slog.LevelDebug) {
		logger.DebugContext(ctx, "pgcache: go-redis", slog.String("message", fmt.Sprintf(format, args...)))
	}
}
