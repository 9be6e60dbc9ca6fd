package dsn

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ConnConfig has pgx read the base, and with it the environment, the service
// file and the password file. For a registered base it returns
// [ErrRegistered]. pgx's own error can be had with [errors.As]; unlike the text
// of ours, it may hold a password.
func (c *Config) ConnConfig() (*pgx.ConnConfig, error) {
	if c.Registered() {
		return nil, ErrRegistered
	}
	config, err := pgx.ParseConfig(c.Base)
	if err != nil {
		return nil, &Error{Value: shortened(Redact(c.Base)), Reason: "pgx can't read the connection string: " + whyNot(err, c.Base), Err: err}
	}
	for name, value := range config.RuntimeParams {
		// Those of the string have been cut out: this one is from a service file.
		if isOurs(name) {
			return nil, blame(reasonf("must stand in the connection string, not in a service file"), name, value)
		}
	}
	return config, nil
}

// quotedFragment is a piece of the string that pgx repeats.
var quotedFragment = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// whyNot is pgx's reason, less the connection string that it starts with, and
// less any piece of it that Redact hides.
func whyNot(err error, base string) string {
	reason := err.Error()
	if _, isParse := errors.AsType[*pgconn.ParseConfigError](err); isParse {
		const end = "`: "
		reason = reason[strings.LastIndex(reason, end)+len(end):]
	}
	visible := Redact(base)
	return quotedFragment.ReplaceAllStringFunc(reason, func(fragment string) string {
		if len(fragment) <= 3 || strings.Contains(visible, fragment[1:len(fragment)-1]) {
			return fragment
		}
		return `"` + mask + `"`
	})
}
