package dsn

import (
	"regexp"
	"strings"
)

// form is the way a connection string is written.
type form int

const (
	formKeyword    form = iota // host=db user=app; the empty string too
	formURL                    // postgres://app@db
	formRegistered             // a name given out by stdlib.RegisterConnConfig
)

// assignment is one of our parameters as the string has it.
type assignment struct {
	name, value string
	quoted      bool // keyword/value form: the value stands in quotes
	cutShort    bool // URL form: what follows is no parameter, so this one may have lost its end
}

// extraction is a connection string taken apart: every byte of the base is
// from the string, in its order.
type extraction struct {
	form form
	base string
	ours []assignment
}

// extract takes our parameters out of a connection string.
//
// Invariant: a string without a name that starts with "pgcache" comes back
// unchanged, and pgx reads from the base what it would have read from the whole
// string, less our parameters.
func extract(s string) (extraction, error) {
	if strings.HasPrefix(strings.ToLower(s), "pgcache://") {
		return extraction{}, reasonf("the scheme of a URL stays as it is for pgx").meaning("postgres://...")
	}
	x := extraction{form: formOf(s)}
	var err error
	switch x.form {
	case formURL:
		x.base, x.ours, err = extractURL(s)
	case formRegistered:
		x.base, x.ours, err = extractRegistered(s)
	default:
		x.base, x.ours, err = extractKeyword(s)
	}
	if err == nil && formOf(x.base) != x.form {
		err = blame(reasonf("stands before a URL or a registered name; write it behind"), x.ours[0].name, x.ours[0].value)
	}
	return x, err
}

func formOf(s string) form {
	switch {
	case strings.HasPrefix(s, "postgres://"), strings.HasPrefix(s, "postgresql://"):
		return formURL
	case isRegistered(s):
		return formRegistered
	}
	return formKeyword
}

// isOurs reports whether a parameter is for us to judge. Letter case counts for
// nothing here, so that PGCACHE_RULE is an error and not sent to the server.
func isOurs(name string) bool {
	const prefix = "pgcache"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// registeredName is how stdlib.RegisterConnConfig names a configuration.
var registeredName = regexp.MustCompile(`^registeredConnConfig[0-9]+`)

// isRegistered reports whether s is a registered name alone, or one followed by
// parameters of ours. Anything else that starts like one is left to pgx.
func isRegistered(s string) bool {
	name := registeredName.FindString(s)
	switch rest := s[len(name):]; {
	case name == "":
		return false
	case rest == "":
		return true
	default:
		return (rest[0] == '?' || isBlank(rest[0])) && strings.Contains(strings.ToLower(rest), "pgcache")
	}
}

// extractRegistered reads the parameters behind a registered name. No others
// can stand there: the configuration is already made.
func extractRegistered(s string) (string, []assignment, error) {
	name := registeredName.FindString(s)
	rest := s[len(name):]
	var left string
	var ours []assignment
	var err error
	if query, isQuery := strings.CutPrefix(rest, "?"); isQuery {
		var others []string
		others, ours, err = extractQuery(query)
		left = strings.Join(others, "")
	} else {
		left, ours, err = extractKeyword(rest)
		left = strings.Trim(left, blanks)
	}
	if err == nil && left != "" {
		other, _ := cutBlank(left)
		other, _, _ = strings.Cut(other, "=")
		err = blame(reasonf("can't follow the name of a registered configuration; only parameters of pgcache can"), other, "")
	}
	return name, ours, err
}

// Registered reports whether the base names a configuration registered with
// pgx's stdlib.
func (c *Config) Registered() bool { return formOf(c.Base) == formRegistered }
