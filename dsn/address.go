package dsn

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Addresses may hold passwords, and a mistyped one may have its password
// anywhere: no reason given here repeats any part of them.

var redisSchemes = []string{"redis", "rediss", "unix"}

// checkRedis takes redis:// and rediss:// with one host or several, and unix://
// with the path of a socket.
func checkRedis(value string) error {
	scheme, rest, found := strings.Cut(value, "://")
	if !found {
		return reasonf("must be a URL that starts with redis://, rediss:// or unix://").meaning("redis://...")
	}
	if !slices.Contains(redisSchemes, scheme) {
		return unknownScheme(scheme, redisSchemes)
	}
	rest, query, _ := strings.Cut(rest, "?")
	if err := checkRedisQuery(query); err != nil {
		return err
	}
	if scheme == "unix" {
		if path := rest[strings.LastIndexByte(rest, '@')+1:]; len(path) < 2 || path[0] != '/' {
			return reasonf("needs the absolute path of a socket, as in unix:///run/redis.sock")
		}
		return nil
	}
	authority, database, _ := strings.Cut(rest, "/")
	if database != "" && !isDigits(database) {
		return reasonf("must have the number of a database after the host, or nothing; a / in a password is written %%2F")
	}
	userinfo := strings.LastIndexByte(authority, '@') + 1
	if _, err := url.PathUnescape(authority[:userinfo]); err != nil {
		return reasonf("has a malformed %% escape before the @; a %% in a password is written %%25")
	}
	for host := range strings.SplitSeq(authority[userinfo:], ",") {
		if err := checkHost(host, false); err != nil {
			return err
		}
	}
	return nil
}

func checkRedisQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return reasonf("has a malformed query")
	}
	if values.Has("master") && values.Get("master") == "" {
		return reasonf("has an empty master=, which is to name Sentinel's master")
	}
	return nil
}

// checkHost takes host, host:port and [v6]:port.
func checkHost(text string, needsPort bool) error {
	host, port := text, ""
	if i := strings.LastIndexByte(text, ':'); i > strings.LastIndexByte(text, ']') {
		host, port = text[:i], text[i+1:]
		if !isPort(port) {
			return reasonf("has a port that is not a number from 1 to 65535")
		}
	}
	if v6, isV6 := strings.CutPrefix(host, "["); isV6 {
		if host, isV6 = strings.CutSuffix(v6, "]"); !isV6 || net.ParseIP(host) == nil {
			return reasonf("has a malformed IPv6 address in brackets")
		}
	} else if strings.ContainsAny(host, ":@[]?#%\\"+blanks) {
		return reasonf("has a host with a character that no host has")
	}
	if host == "" {
		return reasonf("has an empty host")
	}
	if needsPort && port == "" {
		return reasonf("has a host without a port")
	}
	return nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 && isDigits(text)
}

var peerSchemes = []string{"https", "http", "dns"}

// parsePeers splits the list: URLs of peers, or one name to look up.
func parsePeers(value string) ([]string, error) {
	var peers []string
	for peer := range strings.SplitSeq(value, ",") {
		peer = strings.Trim(peer, blanks)
		if err := checkPeerURL(peer, peerSchemes); err != nil {
			return nil, err
		}
		if slices.Contains(peers, peer) {
			return nil, reasonf("names a peer twice")
		}
		peers = append(peers, peer)
	}
	isDNS := func(peer string) bool { return strings.HasPrefix(peer, "dns://") }
	if len(peers) > 1 && slices.ContainsFunc(peers, isDNS) {
		return nil, reasonf("must be one dns:// name alone, or URLs")
	}
	return peers, nil
}

// checkPeer takes the URL of one peer.
func checkPeer(value string) error { return checkPeerURL(value, peerSchemes[:2]) }

func checkPeerURL(value string, schemes []string) error {
	scheme, host, found := strings.Cut(value, "://")
	switch {
	case value == "":
		return reasonf("has an empty peer")
	case !found:
		return reasonf("must be a URL, as in https://host:port")
	case !slices.Contains(schemes, scheme):
		return unknownScheme(scheme, schemes)
	case strings.ContainsAny(host, "/?#"):
		return reasonf("must have nothing after the port")
	case strings.Contains(host, "@"):
		return reasonf("must have no user and no password: peers share a secret file or certificates")
	}
	return checkHost(host, true)
}

// checkListen takes host:port and :port.
func checkListen(value string) error {
	if strings.Contains(value, "://") {
		return reasonf("must be host:port without a scheme")
	}
	if strings.HasPrefix(value, ":") && isPort(value[1:]) {
		return nil
	}
	return checkHost(value, true)
}

func unknownScheme(scheme string, known []string) error {
	urls := make([]string, len(known))
	for i, s := range known {
		urls[i] = s + "://"
	}
	e := reasonf("must start with %s", listed(urls))
	if meant := nearest(scheme, known); meant != "" {
		e.Suggestion = meant + "://"
	}
	return e
}
