package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
)

// Redis is a Redis server: one started by [StartRedis], or one given to
// [FindRedis]. Its methods are safe for concurrent use.
type Redis struct {
	service

	url *url.URL
}

// FindRedis returns the server that PGCACHE_TEST_REDIS names (a redis:// URL),
// or else starts one. What a given server holds is its owner's: use keys with a
// prefix of your own, and no FLUSHALL.
func FindRedis(ctx context.Context, o Options) (*Redis, error) {
	text := os.Getenv("PGCACHE_TEST_REDIS")
	if text == "" {
		return StartRedis(ctx, o)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, errors.New("pgcache: PGCACHE_TEST_REDIS is not a URL such as redis://localhost:6380/0")
	}
	return &Redis{url: u}, nil
}

// StartRedis starts a private server that keeps nothing on disk. ctx bounds the
// start, not the server's life: call Close when done with it. Of the options it
// uses Log and Progress.
func StartRedis(ctx context.Context, o Options) (*Redis, error) {
	return startRedisWith(ctx, o, newPassword(), "")
}

// startRedisWith is StartRedis with a password, and with lines of settings on top of
// this package's own.
func startRedisWith(ctx context.Context, o Options, password, settings string) (*Redis, error) {
	d, err := newRedisDaemon(o, "pgcache-redis-")
	if err != nil {
		return nil, err
	}
	d.args = []string{"-"} // settings come on standard input: arguments are for all to see
	d.ready = "eady to accept connections"
	r := &Redis{service: service{daemon: d}}
	err = onFreePort(func(port int) error {
		o.reportf("starting Redis on %s", loopback(port))
		d.input = fmt.Sprintf("bind 127.0.0.1\nport %d\nrequirepass %s\nsave \"\"\nappendonly no\ndaemonize no\n", port, password)
		d.input += settings
		r.url = &url.URL{Scheme: "redis", Host: loopback(port), Path: "/0", User: url.UserPassword("", password)}
		return r.Start(ctx)
	})
	if err != nil {
		return nil, errors.Join(err, d.guard.release())
	}
	return r, nil
}

// newRedisDaemon is a redis-server that is yet to be told what to do.
func newRedisDaemon(o Options, prefix string) (*daemon, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("pgcache: no Redis found: install redis-server (Debian: apt-get install redis-server;" +
			" macOS: brew install redis), or set PGCACHE_TEST_REDIS to a server for tests")
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	d, err := newDaemon(path, prefix, "TERM", account)
	if err != nil {
		return nil, err
	}
	d.log = o.Log
	return d, nil
}

// URL returns the server's redis:// URL, with the password.
func (r *Redis) URL() string { return r.url.String() }

// Addr returns the server's host:port.
func (r *Redis) Addr() string {
	if r.url.Port() == "" {
		return net.JoinHostPort(r.url.Hostname(), "6379")
	}
	return r.url.Host
}

// Password returns what AUTH takes; empty when nothing is asked for.
func (r *Redis) Password() string {
	password, _ := r.url.User.Password()
	return password
}

// Dir is the directory of a server that was started here. What is put there is
// removed with it.
func (r *Redis) Dir() string {
	if r.Given() {
		return ""
	}
	return r.daemon.dir
}

// Stop kills the server, with all it held. It does nothing to a stopped one.
func (r *Redis) Stop(ctx context.Context) error { return r.stop(ctx, os.Kill) }

// Pause freezes the server: connections stay open, new ones are taken by the
// kernel, and nothing is answered until Continue.
func (r *Redis) Pause() error { return r.send(signalPause) }

// Continue wakes the server that Pause froze.
func (r *Redis) Continue() error { return r.send(signalContinue) }
