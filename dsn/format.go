package dsn

import "strings"

// Format writes the Config as a connection string, passwords included: the
// base, and behind it our parameters that differ from their defaults, in the
// base's own form. Parsing it gives the same Config again. Rules of a rules
// file are left out; they come back with the file.
func (c *Config) Format() string {
	var ours []assignment
	for _, p := range parameters {
		for _, value := range p.write(c) {
			ours = append(ours, assignment{name: p.name, value: value})
		}
	}
	switch {
	case len(ours) == 0:
		return c.Base
	case formOf(c.Base) == formURL:
		return c.Base + querySeparator(c.Base) + pairs(ours, escapeQuery, "&")
	case c.Base != "" && takesMore(c.Base):
		return c.Base + " " + pairs(ours, quoteKeyword, " ")
	case c.Base != "":
		return pairs(ours, quoteKeyword, " ") + " " + c.Base
	}
	return pairs(ours, quoteKeyword, " ")
}

func pairs(ours []assignment, quote func(string) string, separator string) string {
	texts := make([]string, len(ours))
	for i, a := range ours {
		texts[i] = a.name + "=" + quote(a.value)
	}
	return strings.Join(texts, separator)
}

func querySeparator(base string) string {
	if l, ok := layoutOf(base); ok && l.query < len(base) {
		return "&"
	}
	return "?"
}

// takesMore reports whether a pair can be appended to a keyword/value string or
// a registered name without becoming part of what is there.
func takesMore(base string) bool {
	if formOf(base) == formRegistered {
		return true
	}
	for from := 0; ; {
		p, fault := nextPair(base, from)
		if fault != "" || p.open {
			return false
		}
		if p.name == "" {
			return true
		}
		from = p.end
	}
}
