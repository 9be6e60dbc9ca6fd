package pgbench

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache"
	"github.com/gopgcache/pgcache/dsn"
)

// Pools are the database opened twice. The one difference is the driver's name, and the rule.
type Pools struct {
	Plain  *sql.DB // by pgx
	Cached *sql.DB // by pgcache
}

// OpenPools opens both, and connects both before any clock runs.
func (d *Database) OpenPools(ctx context.Context, rule string) (*Pools, error) {
	withRule, err := d.CacheDSN(rule, func(*dsn.Config) {})
	if err != nil {
		return nil, err
	}
	plain, err := sql.Open("pgx", d.DSN())
	if err != nil {
		return nil, err
	}
	cached, err := sql.Open("pgcache", withRule)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	p := &Pools{Plain: plain, Cached: cached}
	if err := errors.Join(plain.PingContext(ctx), cached.PingContext(ctx)); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// Close closes both.
func (p *Pools) Close() {
	_ = p.Plain.Close()
	_ = p.Cached.Close()
}

// Stats is the cache's own account of itself, in one line. The driver answers it, so no server is needed.
func (p *Pools) Stats(ctx context.Context) (string, error) {
	rows, err := p.Cached.QueryContext(ctx, "SHOW pgcache.stats")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var parts []string
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return "", err
		}
		switch name {
		case "hits", "misses", "fills", "rejected_fills", "entries", "bytes", "time_saved_ms":
			parts = append(parts, name+" "+value)
		}
	}
	return strings.Join(parts, ", "), rows.Err()
}

// CacheDSN is for pgcache: with a rule, and what more is to be in it.
func (d *Database) CacheDSN(rule string, more func(*dsn.Config)) (string, error) {
	return addRule(d.DSN(), rule, more)
}

// addRule writes a rule into a connection string of either form.
func addRule(base, text string, more func(*dsn.Config)) (string, error) {
	config, err := dsn.Parse(base)
	if err != nil {
		return "", err
	}
	r, err := dsn.ParseRule(text)
	if err != nil {
		return "", err
	}
	config.Rules = append(config.Rules, r)
	more(config)
	return config.Format(), nil
}
