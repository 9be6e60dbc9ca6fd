package dsn

import (
	"errors"
	"slices"
	"strings"
)

// Parse reads a connection string. It reads the rules file too, unless caching
// is off, and leaves the base to pgx: a base that pgx can't read is no error
// here. Its errors are of type [Error].
func Parse(s string) (*Config, error) {
	x, err := extract(s)
	if err != nil {
		return nil, err
	}
	c := defaults()
	c.Base = x.base
	if err := c.assign(x); err != nil {
		return nil, err
	}
	if c.Mode != ModeOff {
		if err := c.readRulesFile(); err != nil {
			return nil, err
		}
	}
	if err := c.agrees(); err != nil {
		return nil, err
	}
	return c, nil
}

// assign gives every parameter its value.
func (c *Config) assign(x extraction) error {
	var seen []string
	for _, a := range x.ours {
		p, err := parameterNamed(a.name)
		if err == nil && !p.repeatable && slices.Contains(seen, a.name) {
			err = reasonf("is given twice")
		}
		if err == nil {
			err = checkValue(a.name, a.value)
		}
		if err == nil {
			err = hinted(p.read(c, a.value), x.form, a)
		}
		if err != nil {
			return blame(err, a.name, a.value)
		}
		seen = append(seen, a.name)
	}
	return nil
}

func parameterNamed(name string) (parameter, error) {
	for _, p := range parameters {
		if p.name == name {
			return p, nil
		}
	}
	return parameter{}, reasonf("unknown parameter").meaning(nearestParameter(name))
}

// hinted adds how the form of the string spoils a rule when it seems to have
// done so: the commonest mistake is a rule whose blanks end it early.
func hinted(err error, f form, a assignment) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || a.name != ruleParameter {
		return err
	}
	switch {
	case f != formURL && !a.quoted && !strings.ContainsAny(a.value, blanks):
		e.Reason += "; a value with blanks stands in single quotes, as in pgcache_rule='hot: table=accounts ttl=10m'"
	case f == formURL && strings.HasPrefix(a.value, "'"):
		e.Reason += "; in a URL a value has no quotes around it"
	case f == formURL && a.cutShort:
		e.Reason += "; a & inside a value is written %26"
	}
	return e
}

// agrees checks what no parameter can check alone.
func (c *Config) agrees() error {
	plain := func(peer string) bool { return strings.HasPrefix(peer, "http://") }
	switch {
	case c.PeerSecretFile != "":
	case slices.ContainsFunc(c.Peers, plain):
		return blame(reasonf("plain http needs pgcache_peer_secret_file"), "pgcache_peers", strings.Join(c.Peers, ","))
	case plain(c.PeerSelf):
		return blame(reasonf("plain http needs pgcache_peer_secret_file"), "pgcache_peer_self", c.PeerSelf)
	}
	if c.PeerTLSCert != "" && c.PeerTLSKey == "" {
		return blame(reasonf("needs pgcache_peer_tls_key"), "pgcache_peer_tls_cert", c.PeerTLSCert)
	}
	if c.PeerTLSKey != "" && c.PeerTLSCert == "" {
		return blame(reasonf("needs pgcache_peer_tls_cert"), "pgcache_peer_tls_key", c.PeerTLSKey)
	}
	if !c.knowsSelf() {
		return blame(reasonf("is not among pgcache_peers"), "pgcache_peer_self", c.PeerSelf)
	}
	return c.rulesOnlyRaise()
}

// knowsSelf reports whether the own address is in the list, where there is one.
func (c *Config) knowsSelf() bool {
	if c.PeerSelf == "" || len(c.Peers) == 0 || strings.HasPrefix(c.Peers[0], "dns://") {
		return true
	}
	return slices.Contains(c.Peers, c.PeerSelf)
}

// rulesOnlyRaise keeps the DSN's level a promise about every answer.
func (c *Config) rulesOnlyRaise() error {
	for _, r := range c.Rules {
		if r.Consistency != ConsistencyAuto && r.Consistency < c.Consistency {
			err := reasonf("rule %s asks for consistency=%s: a rule may only raise the level", r.Name, r.Consistency)
			return blame(err, "pgcache_consistency", c.Consistency.String())
		}
	}
	return nil
}
