package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	_ "github.com/gopgcache/pgcache/driver" // the driver "pgcache"
	"github.com/gopgcache/pgcache/dsn"
	"github.com/gopgcache/pgcache/internal/testenv"
)

// demo asks the question with and without the cache.
type demo struct {
	home   *home
	plain  *sql.DB
	cached *sql.DB

	uncached time.Duration // what the question costs without the cache
	last     answer        // what plain pgx answered last
}

// open opens the database twice. The one difference is the driver's name, and the rule.
func (h *home) open(ctx context.Context) (*demo, error) {
	withRule, err := addRule(h.dsn(), rule)
	if err != nil {
		return nil, err
	}
	plain, err := sql.Open("pgx", h.dsn())
	if err != nil {
		return nil, err
	}
	cached, err := sql.Open("pgcache", withRule)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	d := &demo{home: h, plain: plain, cached: cached}
	// Both are connected before any clock runs.
	if err := errors.Join(plain.PingContext(ctx), cached.PingContext(ctx)); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// addRule writes a rule into a connection string of either form.
func addRule(base, text string) (string, error) {
	config, err := dsn.Parse(base)
	if err != nil {
		return "", err
	}
	r, err := dsn.ParseRule(text)
	if err != nil {
		return "", err
	}
	config.Rules = append(config.Rules, r)
	return config.Format(), nil
}

func (d *demo) close() {
	_ = d.plain.Close()
	_ = d.cached.Close()
}

// play runs the scenes in order and prints each as it ends.
func (d *demo) play(ctx context.Context, out io.Writer) error {
	if err := d.introduce(ctx, out); err != nil {
		return err
	}
	for _, scene := range []func(context.Context) (row, error){d.withoutCache, d.miss, d.hit, d.afterWrite, d.serverStopped} {
		r, err := scene(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		d.print(out, r)
	}
	conclude(out)
	return d.printStats(ctx, out)
}

// The numbers of runs that medians are taken of: the question is slow without the cache.
const (
	slowRuns = 3
	fastRuns = 101
)

// withoutCache sets the mark: what the question costs without us.
func (d *demo) withoutCache(ctx context.Context) (row, error) {
	r := row{what: "plain pgx", talk: talkUncached, checked: fmt.Sprintf("all %d agree", slowRuns)}
	answers, median, err := times(ctx, d.plain, slowRuns)
	if err != nil {
		return r, err
	}
	r.took, d.uncached, d.last = median, median, answers[0]
	return r, agree(answers, d.last)
}

// miss is the first time that the cache hears the question: PostgreSQL answers, and the answer is kept.
func (d *demo) miss(ctx context.Context) (row, error) {
	r := row{what: "pgcache, first run (miss)", checked: "equals plain pgx's just after"}
	got, took, err := timed(ctx, d.cached)
	if err != nil {
		return r, err
	}
	r.took = took
	return r, d.compare(ctx, got)
}

// hit asks again: PostgreSQL isn't asked.
func (d *demo) hit(ctx context.Context) (row, error) {
	r := row{what: "pgcache, second run (hit)", talk: talkCached, checked: fmt.Sprintf("all %d equal plain pgx's just after", fastRuns)}
	answers, median, err := times(ctx, d.cached, fastRuns)
	if err != nil {
		return r, err
	}
	r.took = median
	return r, d.compare(ctx, answers...)
}

const write = "DELETE FROM pgbench_accounts WHERE aid = 1"

// afterWrite changes the table through the cache, which must not answer as before.
func (d *demo) afterWrite(ctx context.Context) (row, error) {
	r := row{what: "pgcache, after a write", checked: "equals plain pgx's, not the one before"}
	before := d.last
	if _, err := d.cached.ExecContext(ctx, write); err != nil {
		return r, err
	}
	got, took, err := timed(ctx, d.cached)
	if err != nil {
		return r, err
	}
	r.took = took
	if slices.Equal(got, before) {
		return r, errors.New("the answer is the one from before the write")
	}
	return r, d.compare(ctx, got)
}

// serverStopped asks while there is nobody to ask: at the level ttl a hit needs no server.
func (d *demo) serverStopped(ctx context.Context) (row, error) {
	r := row{what: "pgcache, PostgreSQL stopped", checked: fmt.Sprintf("all %d equal plain pgx's before", fastRuns)}
	if d.home.server.Given() {
		r.checked = "not shown: the server is not ours to stop"
		return r, nil
	}
	if err := d.home.server.Stop(ctx, testenv.Fast); err != nil {
		return r, err
	}
	if err := d.plain.PingContext(ctx); err == nil {
		return r, errors.New("PostgreSQL still answers")
	}
	answers, median, err := times(ctx, d.cached, fastRuns)
	if err != nil {
		return r, err
	}
	r.took = median
	return r, agree(answers, d.last)
}

// compare holds answers against the one that plain pgx gets now.
func (d *demo) compare(ctx context.Context, answers ...answer) error {
	now, err := ask(ctx, d.plain)
	if err != nil {
		return err
	}
	d.last = now
	return agree(answers, now)
}
