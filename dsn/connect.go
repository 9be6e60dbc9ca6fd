package dsn

import (
	"errors"
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
		reason := "pgx can't read the connection string: " + whyNot(err, c.Base)
		return nil, &Error{Value: shortened(Redact(c.Base)), Reason: reason, Err: err}
	}
	for name, value := range config.RuntimeParams {
		// Those of the string have been cut out: this one is from a service file.
		if isOurs(name) {
			return nil, blame(reasonf("must stand in the connection string, not in a service file"), name, value)
		}
	}
	return config, nil
}

// fixedQuotes are the marks that pgx quotes in its reasons, whatever the string.
var fixedQuotes = strings.NewReplacer(
	`missing "="`, `missing '='`,
	`separator "="`, `separator '='`,
	`matching "]"`, `matching ']'`,
	`(expected ":" or "/")`, `(expected ':' or '/')`,
)

// whyNot is pgx's reason, less the connection string that it starts with, and
// less the piece of it that it quotes, unless Redact shows that piece too. The
// piece may have double quotes in it, so it reaches from the first to the last.
func whyNot(err error, base string) string {
	reason := err.Error()
	if _, isParse := errors.AsType[*pgconn.ParseConfigError](err); isParse {
		const end = "`: "
		reason = reason[strings.LastIndex(reason, end)+len(end):]
	}
	reason = fixedQuotes.Replace(reason)
	from := strings.IndexByte(reason, '"') + 1
	if from == 0 {
		return reason
	}
	to := strings.LastIndexByte(reason, '"')
	if to < from {
		to = len(reason)
	}
	if strings.Contains(Redact(base), reason[from:to]) {
		return reason
	}
	return reason[:from] + mask + reason[to:]
}
