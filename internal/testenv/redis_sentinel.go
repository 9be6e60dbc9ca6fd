package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
)

// RedisSentinel is a master and its replica, watched by one Sentinel, which
// makes the replica the master soon after the master is gone. Its methods are
// safe for concurrent use.
type RedisSentinel struct {
	// Master and Replica are what they were at the start.
	Master, Replica *Redis

	sentinel *Redis
}

// watchedName is what Sentinel calls the master.
const watchedName = "pgcache"

// StartRedisSentinel starts the three servers. Of the options it uses Log and
// Progress.
func StartRedisSentinel(ctx context.Context, o Options) (_ *RedisSentinel, err error) {
	s := &RedisSentinel{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	password := newPassword()
	auth := "masterauth " + password + "\nrepl-diskless-sync-delay 0\n"
	if s.Master, err = startRedisWith(ctx, o, password, auth); err != nil {
		return nil, err
	}
	follow := fmt.Sprintf("replicaof %s %s\n", s.Master.url.Hostname(), s.Master.url.Port())
	if s.Replica, err = startRedisWith(ctx, o, password, auth+follow); err != nil {
		return nil, err
	}
	if s.sentinel, err = startSentinel(ctx, o, s.Master); err != nil {
		return nil, err
	}
	return s, nil
}

// startSentinel starts a Sentinel, which keeps what it learns in a file, and
// returns when it knows the master's replica.
func startSentinel(ctx context.Context, o Options, master *Redis) (*Redis, error) {
	d, err := newRedisDaemon(o, "pgcache-sentinel-")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(d.dir, "sentinel.conf")
	d.args = []string{path, "--sentinel"}
	d.ready = "+slave slave"
	r := &Redis{service: service{daemon: d}}
	password := newPassword()
	err = onFreePort(func(port int) error {
		o.reportf("starting Redis Sentinel on %s", loopback(port))
		r.url = &url.URL{Scheme: "redis", Host: loopback(port), User: url.UserPassword("", password)}
		text := fmt.Sprintf("bind 127.0.0.1\nport %d\nrequirepass %s\nsentinel monitor %s %s %s 1\n", port, password,
			watchedName, master.url.Hostname(), master.url.Port())
		text += fmt.Sprintf("sentinel auth-pass %[1]s %[2]s\nsentinel down-after-milliseconds %[1]s 500\n"+
			"sentinel failover-timeout %[1]s 3000\n", watchedName, master.Password())
		if err := d.writeFile(path, text); err != nil {
			return err
		}
		return r.Start(ctx)
	})
	if err != nil {
		return nil, errors.Join(err, d.guard.release())
	}
	return r, nil
}

// URL returns a URL that names the Sentinel and what it calls the master.
func (s *RedisSentinel) URL() string {
	u := url.URL{Scheme: "redis", User: s.Master.url.User, Host: s.sentinel.Addr()}
	u.RawQuery = url.Values{"master": {watchedName}, "sentinel_password": {s.sentinel.Password()}}.Encode()
	return u.String()
}

// Close stops all servers and removes their files.
func (s *RedisSentinel) Close() error {
	var errs []error
	for _, r := range []*Redis{s.sentinel, s.Replica, s.Master} {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}
