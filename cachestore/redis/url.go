package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const (
	defaultPort         = "6379"
	defaultSentinelPort = "26379"
)

// target is what a URL says.
type target struct {
	hosts              []string // host:port each; one path for a socket
	socket             bool
	secure             bool // TLS
	cluster            bool
	master             string // Sentinel's name of it; empty without Sentinel
	username, password string
	sentinelUser       string
	sentinelPassword   string
	database           int
	caFile             string
	certFile, keyFile  string // of this client
	serverName         string
}

// parseURL reads the forms that the DSN's pgcache_redis takes. Its errors never show the URL, which may hold a password.
func parseURL(text string) (*target, error) {
	scheme, rest, found := strings.Cut(text, "://")
	t := &target{socket: scheme == "unix", secure: scheme == "rediss"}
	if !found || scheme != "redis" && !t.secure && !t.socket {
		return nil, errors.New("pgcache: the URL of Redis must start with redis://, rediss:// or unix://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if err := t.parseQuery(query); err != nil {
		return nil, err
	}
	rest, err := t.cutUser(rest)
	if err != nil {
		return nil, err
	}
	if t.socket {
		if len(rest) < 2 || rest[0] != '/' {
			return nil, errors.New("pgcache: the URL of Redis needs the absolute path of a socket, as in unix:///run/redis.sock")
		}
		t.hosts = []string{rest}
		return t, t.check()
	}
	authority, database, _ := strings.Cut(rest, "/")
	if database != "" {
		if t.database, err = strconv.Atoi(database); err != nil {
			return nil, errors.New("pgcache: the URL of Redis must have the number of a database after the host, or nothing")
		}
	}
	if err := t.parseHosts(authority); err != nil {
		return nil, err
	}
	return t, t.check()
}

// cutUser takes what stands before the last @: the name of an ACL user, a password, or both.
func (t *target) cutUser(rest string) (string, error) {
	end := len(rest)
	if slash := strings.IndexByte(rest, '/'); slash >= 0 && !t.socket {
		end = slash
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return rest, nil
	}
	username, password, _ := strings.Cut(rest[:at], ":")
	var errs [2]error
	t.username, errs[0] = url.PathUnescape(username)
	t.password, errs[1] = url.PathUnescape(password)
	if errors.Join(errs[:]...) != nil {
		return "", errors.New("pgcache: the URL of Redis has a malformed % escape before the @")
	}
	return rest[at+1:], nil
}

func (t *target) parseHosts(authority string) error {
	port := defaultPort
	if t.master != "" {
		port = defaultSentinelPort
	}
	for host := range strings.SplitSeq(authority, ",") {
		if host == "" {
			return errors.New("pgcache: the URL of Redis has an empty host")
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		t.hosts = append(t.hosts, host)
	}
	t.cluster = t.cluster || len(t.hosts) > 1 && t.master == ""
	return nil
}

func (t *target) parseQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("pgcache: the URL of Redis has a malformed query")
	}
	for name := range values {
		value := values.Get(name)
		switch name {
		case "master":
			t.master = value
		case "sentinel_user":
			t.sentinelUser = value
		case "sentinel_password":
			t.sentinelPassword = value
		case "cluster":
			t.cluster, err = strconv.ParseBool(value)
		case "db":
			t.database, err = strconv.Atoi(value)
		case "ca_file":
			t.caFile = value
		case "cert_file":
			t.certFile = value
		case "key_file":
			t.keyFile = value
		case "server_name":
			t.serverName = value
		default:
			return fmt.Errorf("pgcache: the URL of Redis has the unknown parameter %q;"+
				" known are master, sentinel_user, sentinel_password, cluster, db, ca_file, cert_file, key_file and server_name", name)
		}
		if err != nil || value == "" {
			return fmt.Errorf("pgcache: the URL of Redis has a malformed value of %s", name)
		}
	}
	return nil
}

// check finds parts that don't go together.
func (t *target) check() error {
	switch {
	case t.database < 0:
		return errors.New("pgcache: the URL of Redis has a negative number of a database")
	case t.cluster && t.database != 0:
		return errors.New("pgcache: a Redis Cluster has only the database 0")
	case t.cluster && t.master != "":
		return errors.New("pgcache: the URL of Redis names both a Cluster and Sentinel's master")
	case t.socket && (t.cluster || t.master != ""):
		return errors.New("pgcache: a socket leads to one Redis, and to no Cluster or Sentinel")
	case !t.secure && (t.caFile != "" || t.certFile != "" || t.keyFile != "" || t.serverName != ""):
		return errors.New("pgcache: the URL of Redis has a parameter of TLS, but doesn't start with rediss://")
	}
	return nil
}
